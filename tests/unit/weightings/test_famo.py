"""FAMO's own optimizer."""

import numpy as np
import pytest

from mtl_keras.weightings import FAMO

BEFORE = np.array([0.5, 2.0, 1.0])
AFTER = np.array([0.4, 2.0, 0.95])
PRESENT = np.ones(3, "float32")


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def test_two_steps_of_adam():
    rate, decay = 0.1, 0.05
    weighting = FAMO(learning_rate=rate, decay=decay)
    weighting.build(3)
    logits, first, second = np.zeros((3, 3))
    for step in (1, 2):
        weighting.after_step(BEFORE.astype("float32"), AFTER.astype("float32"), PRESENT)
        z = softmax(logits)
        gradient = (np.diag(z) - np.outer(z, z)) @ np.log(BEFORE / AFTER) + decay * logits
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        logits = logits - rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        np.testing.assert_allclose(weighting.logits.numpy(), logits, rtol=1e-3)
    assert logits[1] > 0 > logits[0]  # the loss that did not fall gains weight


def test_bounds_are_taken_off_the_losses():
    plain, bounded = FAMO(), FAMO(min_losses=[-1.0, 0.5, 0.0])
    plain.build(3)
    bounded.build(3)
    losses = np.array([0.5, 2.0, 1.0], "float32")
    shifted = losses + np.array([-1.0, 0.5, 0.0], "float32")
    np.testing.assert_allclose(float(bounded(shifted, PRESENT)), float(plain(losses, PRESENT)), rtol=1e-5)


def test_bad_arguments():
    with pytest.raises(ValueError, match="`learning_rate` must be a finite number above 0"):
        FAMO(learning_rate=0.0)
    with pytest.raises(ValueError, match="`decay` must be a finite number of at least 0"):
        FAMO(decay=-1.0)
    with pytest.raises(ValueError, match=r"`min_losses` must be a list with one number per task \(3\)"):
        FAMO(min_losses=[0.0]).build(3)


def test_a_loss_after_the_step_that_is_not_finite_leaves_the_logits():
    weighting = FAMO()
    weighting.build(3)
    for wrong in (np.inf, np.nan):
        weighting.after_step(BEFORE.astype("float32"), np.array([0.4, wrong, 0.95], "float32"), PRESENT)
        np.testing.assert_array_equal(weighting.logits.numpy(), 0.0)
    present = np.array([1, 0, 1], "float32")  # a task that is absent is not looked at
    weighting.after_step(BEFORE.astype("float32"), np.array([0.4, np.inf, 0.95], "float32"), present)
    logits = weighting.logits.numpy()
    assert logits[0] < 0 == logits[1] < logits[2]
