"""NDDR."""

import numpy as np

import mtl_keras as mtl
from mtl_keras.sharing import NDDR
from tests.helpers import toy
from tests.unit.sharing import _tiny

NORM = np.sqrt(1.001)  # batch norm before any training: mean 0, variance 1, epsilon 0.001


def test_numbers_by_hand():
    model = _tiny.model(NDDR(), {"a_dense1_dense": 1.0, "b_dense1_dense": 10.0})
    features = _tiny.features(model, [1.0, -2.0])
    np.testing.assert_allclose(features["a"], [(0.9 * 1 + 0.1 * 10) / NORM, 0.0], rtol=1e-6)
    np.testing.assert_allclose(features["b"], [(0.1 * 1 + 0.9 * 10) / NORM, 0.0], rtol=1e-6)


def test_every_channel_reads_all_channels_of_all_towers():
    kernels = {"a_dense1_dense": 1.0, "b_dense1_dense": 10.0, "a_dense1_nddr": [[1, 0], [1, 0], [0, 1], [1, -1]]}
    model = _tiny.model(NDDR(), kernels)
    features = _tiny.features(model, [3.0, 2.0])  # 3 + 2 + 20 and 30 − 20
    np.testing.assert_allclose(features["a"], np.array([25.0, 10.0]) / NORM, rtol=1e-6)


def test_starts_as_a_diagonal():
    model = _tiny.model(NDDR(own=0.6), {}, names="abc")
    expected = np.concatenate([0.2 * np.eye(2), 0.6 * np.eye(2), 0.2 * np.eye(2)])
    np.testing.assert_allclose(model.get_layer("b_dense1_nddr").kernel, expected, rtol=1e-6)


def test_partition():
    partition = _tiny.train_partition(NDDR())
    shared = [f"{t}_dense{i}_dense/{v}" for t in "ab" for i in (1, 2) for v in ("bias", "kernel")]
    shared += [f"{t}_dense1_nddr{v}" for t in "ab" for v in ("/kernel", "_norm/beta", "_norm/gamma")]
    assert _tiny.paths(partition.shared) == sorted(shared)
    for task, own in partition.own.items():
        names = [
            "dense2_nddr/kernel",
            "dense2_nddr_norm/beta",
            "dense2_nddr_norm/gamma",
            "linear/bias",
            "linear/kernel",
        ]
        assert _tiny.paths(own) == [f"{task}_{name}" for name in names]


def test_with_identity_units_it_is_the_model_that_it_starts_from():
    """But for the ε of the batch norms, which the features of a ReLU go through."""
    x, _ = toy.arrays()
    tower = mtl.towers.MLP((6, 5))
    alone = mtl.build_model(toy.SHAPE, toy.tasks(), tower, "single_task")
    model = mtl.build_model(toy.SHAPE, toy.tasks(), tower, NDDR(own=1.0, transfer_from=alone))
    for layer in model.layers:
        if layer.name.endswith("_norm"):
            layer.gamma.assign(np.full(layer.gamma.shape, NORM))
    for task, expected in alone(x).items():
        np.testing.assert_allclose(model(x)[task], expected, atol=1e-5)
