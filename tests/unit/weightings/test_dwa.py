"""DWA's periods."""

import numpy as np
import pytest

from mtl_keras.weightings import DWA

PRESENT = np.ones(2, "float32")


def weight_of_first(weighting):
    """Returns the weight of the first task, without leaving a trace."""
    state = [v.numpy() for v in weighting.variables]
    value = float(weighting(np.array([1, 0], "float32"), PRESENT))
    for variable, old in zip(weighting.variables, state, strict=True):
        variable.assign(old)
    return value


def test_epochs():
    weighting = DWA(temperature=2.0)
    weighting.build(2)
    for epoch, batches in enumerate([[[2, 1], [0, 1]], [[0.5, 1], [0.5, 1]], [[0.25, 2]]]):
        for losses in batches:
            weighting(np.array(losses, "float32"), PRESENT)
        if epoch == 0:
            np.testing.assert_allclose(weight_of_first(weighting), 1.0)
        weighting.on_epoch_end(epoch)
        if epoch == 0:
            np.testing.assert_allclose(weight_of_first(weighting), 1.0)
        if epoch == 1:  # ratios 1/2 and 1
            np.testing.assert_allclose(weight_of_first(weighting), 2 / (1 + np.exp(0.25)), rtol=1e-6)
    np.testing.assert_allclose(weight_of_first(weighting), 2 / (1 + np.exp(0.75)), rtol=1e-6)  # 1/2 and 2


def test_a_window_is_a_period():
    weighting = DWA(temperature=2.0, window=2)
    weighting.build(2)
    for losses in [[2, 1], [0, 1], [0.5, 1], [0.5, 1]]:
        weighting.on_epoch_end(0)  # says nothing here
        weighting(np.array(losses, "float32"), PRESENT)
    np.testing.assert_allclose(weight_of_first(weighting), 2 / (1 + np.exp(0.25)), rtol=1e-6)


def test_a_task_absent_from_an_epoch_keeps_its_ratio():
    weighting = DWA()
    weighting.build(2)
    for epoch, losses in enumerate([[1, 1], [0.5, 1]]):
        weighting(np.array(losses, "float32"), PRESENT)
        weighting.on_epoch_end(epoch)
    before = weighting.means.numpy()
    weighting(np.array([0, 1], "float32"), np.array([0, 1], "float32"))
    weighting.on_epoch_end(2)
    np.testing.assert_array_equal(weighting.means.numpy()[0], before[0])


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`temperature` must be a finite number above 0. Received: temperature=0."):
        DWA(temperature=0)
    with pytest.raises(ValueError, match=r"`window` must be an integer of at least 1. Received: window=0."):
        DWA(window=0)
