"""Methods of equal projections and cosines on dependent gradients, against the closed forms in float64."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import weightings as w
from mtl_keras.weightings.con_fig import con_fig_weights
from mtl_keras.weightings.imtl import imtl_weights
from mtl_keras.weightings.imtl_g import IMTLG
from tests.unit.weightings._gramian_cases import gramian_of

RNG = np.random.default_rng(0)
SHIFTS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 0.0)
LOG_SCALES = np.array([1.0, -2.0, 0.5, 3.0], "float32")


def opposed(num_tasks, ratio):
    """Two opposed rows, of which one is so many times as long, beside independent ones."""
    j = RNG.normal(size=(num_tasks, 8))
    j[1] = -ratio * j[0]
    return j


def in_a_plane(*degrees):
    """Rows of lengths 1, 2 and so on in these directions of a plane."""
    angles = np.radians(degrees)
    plane = np.linalg.qr(RNG.normal(size=(8, 2)))[0]
    return np.arange(1, len(angles) + 1)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) @ plane.T


DEPENDENT = {  # rows on which only d = 0 projects equally
    "opposed": [opposed(t, ratio) for t in (2, 3, 4) for ratio in (0.1, 1.0, 5.0)],
    "in a plane": [in_a_plane(0, 70, 160), in_a_plane(0, 30, 60), in_a_plane(0, 130, 240)],
    "on a line": [np.array([[1.0], [-2.0], [3.0]]) * RNG.normal(size=8)],
}


def imtl_g_by_the_paper(j):
    """α of the others = g₁Uᵀ(DUᵀ)⁻¹ with D = g₁ - gᵢ and U = u₁ - uᵢ, and d = Σ αᵢgᵢ."""
    u = j / np.linalg.norm(j, axis=1)[:, None]
    others, units = j[0] - j[1:], u[0] - u[1:]
    alpha = j[0] @ units.T @ np.linalg.inv(others @ units.T)
    return j[0] - alpha @ others


def con_fig_by_the_paper(j):
    u = np.linalg.pinv(j / np.linalg.norm(j, axis=1)[:, None]) @ np.ones(len(j))
    u = u / np.linalg.norm(u)
    return (j @ u).sum() * u


def direction(name, j):
    """Returns d, divided by the longest gradient; for IMTL of the losses times their scales."""
    gramian, present = tf.constant(gramian_of(j)), tf.ones(len(j))
    if name == "imtl_g":
        weights = IMTLG.call(None, gramian, None, present)
    elif name == "imtl":
        weights = imtl_weights(gramian, tf.constant(LOG_SCALES[: len(j)]), present)
        j = j * np.exp(LOG_SCALES[: len(j)])[:, None]
        weights = weights / np.exp(LOG_SCALES[: len(j)])
    else:
        weights = con_fig_weights(gramian, present / len(j))
    return np.float64(weights) @ j / np.linalg.norm(j, axis=1).max()


@pytest.mark.parametrize("name", ["imtl_g", "imtl", "con_fig"])
@pytest.mark.parametrize("kind", DEPENDENT)
def test_no_jump_on_the_way_to_dependent_rows(kind, name):
    for j in DEPENDENT[kind]:
        change = RNG.normal(size=j.shape)
        lengths = [np.linalg.norm(direction(name, j + shift * change)) for shift in SHIFTS]
        assert lengths[-1] < 1e-4
        for shift, length in zip(SHIFTS[1:-1], lengths[1:], strict=False):
            assert length < 100 * shift + 1e-4, (shift, lengths)


@pytest.mark.parametrize(("name", "formula"), [("imtl_g", imtl_g_by_the_paper), ("con_fig", con_fig_by_the_paper)])
def test_near_dependent_rows_equal_the_closed_form(name, formula):
    for j in (j for js in DEPENDENT.values() for j in js if np.linalg.matrix_rank(j) == len(j) - 1):
        for shift in SHIFTS[:-1]:
            moved = np.float64(np.float32(j + shift * RNG.normal(size=j.shape)))
            expected = formula(moved) / np.linalg.norm(moved, axis=1).max()
            size = np.linalg.norm(expected)
            np.testing.assert_allclose(direction(name, moved), expected, atol=0.01 * size + 1e-4)


def test_equal_rows_share_their_weight():
    g = np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 5.0]])
    for weighting in (w.IMTLG(), w.ConFIG()):
        weighting.build(3)
        weights = np.array(weighting(gramian_of(g), np.ones(3, "float32"), np.ones(3, "float32")))
        np.testing.assert_allclose(weights[0], weights[1], rtol=1e-5)
        np.testing.assert_allclose(weights @ g / np.linalg.norm(weights @ g), np.array([1.0, 3.0]) / 10**0.5, rtol=1e-5)
