"""MTAN."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.sharing import MTAN
from tests.helpers import toy
from tests.unit.sharing import _tiny


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_numbers_by_hand():
    """Gates that add their inputs up; the two batch norms divide by √1.001 each."""
    kernels = {"shared_dense1_dense": 1.0, "shared_dense2_dense": 3.0}
    kernels |= {f"{task}_dense1_gate{i}": 1.0 for task in "ab" for i in (1, 2)}
    kernels |= {"a_dense2_gate1": [[1, 0], [0, 1], [1, 0], [0, 1]], "a_dense2_gate2": 1.0}
    kernels |= {"b_dense2_gate1": np.zeros((4, 2)), "b_dense2_gate2": 1.0}
    model = _tiny.model(MTAN(), kernels, stages=2)
    p1, p2 = np.array([1.0, 2.0]), np.array([3.0, 6.0])
    first = p1 * _sigmoid(p1 / 1.001)
    features = _tiny.features(model, p1)
    np.testing.assert_allclose(features["a"], p2 * _sigmoid((p2 + first) / 1.001), rtol=1e-5)
    np.testing.assert_allclose(features["b"], p2 / 2, rtol=1e-6)


@pytest.mark.parametrize("tower", [mtl.towers.MLP((6, 5)), mtl.towers.LeNet(filters=(2, 4), units=(6,))])
def test_with_open_masks_it_is_hard(tower):
    x, _ = toy.arrays()
    mtan, hard = (mtl.build_model(toy.SHAPE, toy.tasks(), tower, sharing) for sharing in ("mtan", "hard"))
    for layer in hard.layers:
        mtan.get_layer(layer.name).set_weights(layer.get_weights())
    for layer in mtan.layers:
        if layer.name.endswith("gate2_norm"):
            layer.gamma.assign(np.zeros(layer.gamma.shape))
            layer.beta.assign(np.full(layer.beta.shape, 100.0))
    for task, expected in hard(x).items():
        np.testing.assert_allclose(mtan(x)[task], expected, atol=1e-6)


def test_partition():
    partition = _tiny.train_partition(MTAN())
    tower = [f"shared_dense{i}_dense/{v}" for i in (1, 2) for v in ("bias", "kernel")]
    assert _tiny.paths(partition.shared) == tower
    for task, own in partition.own.items():
        gates = [f"{task}_dense{i}_gate{j}" for i in (1, 2) for j in (1, 2)]
        expected = [f"{gate}{v}" for gate in gates for v in ("/kernel", "_norm/beta", "_norm/gamma")]
        assert _tiny.paths(own) == sorted([*expected, f"{task}_linear/bias", f"{task}_linear/kernel"])


def test_units_is_the_width_between_the_two_layers():
    model = mtl.build_model((6, 6), toy.tasks(), mtl.towers.MLP((6, 5)), MTAN(units=3))
    assert model.get_layer("odd_dense2_gate1").kernel.shape == (11, 3)
    assert model.get_layer("odd_dense2_gate2").kernel.shape == (3, 5)


@pytest.mark.parametrize("units", [0, -1, 2.5, True])
def test_units_out_of_range(units):
    with pytest.raises(ValueError, match=r"`units` must be an integer of at least 1\. Received: units=.* Use None"):
        MTAN(units=units)
