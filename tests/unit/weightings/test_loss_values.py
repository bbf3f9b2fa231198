"""Objectives and effective weights of the weightings that read the losses, worked out independently."""

import numpy as np
import pytest
import tensorflow as tf

from tests.unit.weightings._cases import LOSSES, Runner

L = np.array([0.5, 2.0, 1.0])  # the losses of the first step
M = np.array([0.25, 1.8, 1.0])  # of the second


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def _dtp(losses, kpi):
    weights = -(1 - kpi) * np.log(kpi)
    return weights @ losses, weights


def _famo(losses, logits):
    z = softmax(logits)
    c = 1 / np.sum(z / losses)
    return c * z @ np.log(losses), c * z / losses


def _softplus_like(losses, mu):
    return mu * np.log(np.exp(losses / 3 / mu).sum()), softmax(losses / 3 / mu) / 3


# {name: [(objective, weights) of the first step with L, and of the second one with M]}
VALUES = {
    "dtp": [_dtp(L, np.exp(-L)), _dtp(M, 0.9 * np.exp(-L) + 0.1 * np.exp(-M))],
    "dwa": [(3.5, [1, 1, 1]), (3.05, [1, 1, 1])],
    "dwa_window": [(3.5, [1, 1, 1]), (3.05, [1, 1, 1])],
    "equal": [(3.5, [1, 1, 1]), (3.05, [1, 1, 1])],
    "famo": [_famo(L, np.zeros(3)), None],  # the second step: test_famo.py
    "gls": [(1.0, [2 / 3, 1 / 6, 1 / 3]), (0.45 ** (1 / 3), 0.45 ** (1 / 3) / 3 / M)],
    # The scales go up by 0.1 of the (clipped) gradient exp(s) L - 1.
    "imtl_l": [(3.5, [1, 1, 1]), (np.exp([0.05, -0.1, 0]) @ M + 0.05, np.exp([0.05, -0.1, 0]))],
    "rlw": [None, None],  # random: test_rlw.py
    "rlw_dirichlet": [None, None],
    "scale_invariant": [(0.0, [2, 0.5, 1]), (np.log(0.45), 1 / M)],
    "schedule": [(3.5, [1, 1, 1]), (3.05, [1, 1, 1])],
    "stch": [_softplus_like(L, 1.0), _softplus_like(M, 1.0)],
    "tchebycheff": [(2 / 3, [0, 1 / 3, 0]), (0.6, [0, 1 / 3, 0])],
    # The log-variances go down by 0.1 of the gradient (1 - exp(-s) L) / 2.
    "uncertainty": [
        (1.75, [0.5, 0.5, 0.5]),
        (0.5 * (np.exp([0.025, -0.05, 0]) @ M + 0.025), 0.5 * np.exp([0.025, -0.05, 0])),
    ],
}


def test_every_case_has_values():
    assert set(VALUES) == set(LOSSES)


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    run = Runner(name, mode="eager")
    for losses, expected in zip((L, M), VALUES[name], strict=True):
        actual = run(losses)
        if expected is not None:
            np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(actual[1:], expected[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "objective", "weights"),
    [
        ("gls", 4.0, [0, 1, 1 / 4]),  # √(2 · 8), and 4 / (2 · L)
        ("famo", 3.2 / 2 * np.log(16), [0, 4 / 5, 1 / 5]),  # 1 / c = (1 / 2 + 1 / 8) / 2 = 1 / 3.2
        ("scale_invariant", None, [0, 1 / 2, 1 / 8]),
    ],
)
def test_a_loss_of_0_does_not_stop_the_others(name, objective, weights):
    run = Runner(name, mode="eager")
    actual = run([0.0, 2.0, 8.0])
    np.testing.assert_allclose(actual[1:], weights, rtol=1e-5)
    if objective is not None:
        np.testing.assert_allclose(actual[0], objective, rtol=1e-5)
    if name == "famo":
        assert run.weighting.logits.numpy()[0] == 0.0


@pytest.mark.parametrize(("name", "sign"), [("imtl_l", 1.0), ("uncertainty", -1.0)])
def test_a_learned_scale_ends_at_its_bound_and_comes_back(name, sign):
    weighting = LOSSES[name].make()
    weighting.build(4)
    (state,) = weighting.trainable_variables
    state.assign(sign * np.array([29.0, 31.0, 100.0, -100.0]))
    slopes = []
    for loss in (0.0, 1.0, 1e20):
        losses = tf.fill([4], loss)
        with tf.GradientTape() as tape:
            tape.watch(losses)
            objective = weighting(losses, tf.ones(4))
        weights, slope = tape.gradient(objective, [losses, state.value])
        np.testing.assert_allclose(weights / weights[1], np.exp([-1.0, 0.0, 0.0, -60.0]), rtol=1e-5)
        slopes.append(np.sign(sign * slope))
    # At a loss of 0 each scale wants to grow; at 1 and 1e20 all but the lowest want to fall.
    np.testing.assert_array_equal(slopes, [[-1, 0, 0, -1], [1, 1, 1, -1], [1, 1, 1, 0]])
