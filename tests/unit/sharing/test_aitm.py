"""AITM."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.sharing import AITM
from tests.helpers import toy
from tests.unit.sharing import _tiny


def test_numbers_by_hand():
    """q = [0.2, 0.4], p = 2·q, Q = K = V = 1: the scores are 0.8 / √2 and 0.2 / √2."""
    model = _tiny.model(AITM(), {"shared_dense1_dense": 1.0, "b_info": 2.0})
    transfer = model.get_layer("b_transfer")
    for matrix in (transfer.query, transfer.key, transfer.value):
        matrix.assign(np.eye(2))
    q = np.array([0.2, 0.4])
    weight = 1 / (1 + np.exp(-0.6 / np.sqrt(2)))
    features = _tiny.features(model, q)
    np.testing.assert_allclose(features["a"], q, rtol=1e-6)
    np.testing.assert_allclose(features["b"], weight * 2 * q + (1 - weight) * q, rtol=1e-6)


def test_query_key_and_value_are_different_matrices():
    """With Q = [1, 0] and K = [0, 1] in the first column the score of u is u_1 · u_2 / √2."""
    model = _tiny.model(AITM(), {"shared_dense1_dense": 1.0, "b_info": 2.0})
    transfer = model.get_layer("b_transfer")
    transfer.query.assign([[1.0, 0.0], [0.0, 0.0]])
    transfer.key.assign([[0.0, 0.0], [1.0, 0.0]])
    transfer.value.assign(3 * np.eye(2))
    q = np.array([0.5, 1.0])
    weight = 1 / (1 + np.exp(-(2.0 - 0.5) / np.sqrt(2)))
    np.testing.assert_allclose(_tiny.features(model, q)["b"], 3 * q * (1 + weight), rtol=1e-6)


@pytest.mark.parametrize("arguments", [{}, {"split_after": 1}, {"groups": [["digit", "odd"], ["marks", "ink"]]}])
def test_without_transfer_it_is_hard(arguments):
    tower = mtl.towers.MLP((6, 5))
    schemes = (AITM(transfer=False, **arguments), mtl.sharing.Hard(**arguments))
    aitm, hard = (mtl.build_model(toy.SHAPE, toy.tasks(), tower, scheme, name="model") for scheme in schemes)
    assert aitm.get_config() == hard.get_config()


def test_partition():
    partition = _tiny.train_partition(AITM(), names="abc")
    tower = [f"shared_dense{i}_dense/{v}" for i in (1, 2) for v in ("bias", "kernel")]
    info, transfer = ["info/bias", "info/kernel"], [f"shared_transfer/{name}" for name in ("key", "query", "value")]
    assert _tiny.paths(partition.shared) == sorted([*tower, *transfer, *(f"b_{name}" for name in info)])
    assert _tiny.paths(partition.own["a"]) == ["a_linear/bias", "a_linear/kernel"]
    assert _tiny.paths(partition.own["b"]) == ["b_linear/bias", "b_linear/kernel"]
    assert _tiny.paths(partition.own["c"]) == ["c_info/bias", "c_info/kernel", "c_linear/bias", "c_linear/kernel"]


def test_all_transfers_share_query_key_and_value():
    """As above by hand, with p_b = 2·q, and p_c = 2·z_b beside q."""
    model = _tiny.model(AITM(), {"shared_dense1_dense": 1.0, "b_info": 2.0, "c_info": 2.0}, names="abc")
    assert [layer.name for layer in model.layers if isinstance(layer, mtl.layers.AttentiveTransfer)] == [
        "shared_transfer"
    ]
    for matrix in model.get_layer("shared_transfer").weights:
        matrix.assign(np.eye(2))
    q = np.array([0.2, 0.4])

    def mixed(p):
        weight = 1 / (1 + np.exp((q @ q - p @ p) / np.sqrt(2)))
        return weight * p + (1 - weight) * q

    features = _tiny.features(model, q)
    np.testing.assert_allclose(features["b"], mixed(2 * q), rtol=1e-6)
    np.testing.assert_allclose(features["c"], mixed(2 * mixed(2 * q)), rtol=1e-6)


@pytest.mark.parametrize("groups", [[["a"], ["b", "c"]], [["a", "b"], ["c"], ["d"]]])
def test_groups_share_them_too(groups):
    names = sorted(name for group in groups for name in group)
    tasks = [mtl.Task(name, mtl.heads.Regression()) for name in names]
    model = mtl.build_model((3,), tasks, mtl.towers.MLP((2,)), AITM(groups=groups))
    transfers = [layer for layer in model.layers if isinstance(layer, mtl.layers.AttentiveTransfer)]
    assert len(transfers) == 1


def _calibrated(sharing):
    """A model whose tasks have the probabilities 0.25, 0.75 and 0.5, whatever the input."""
    tasks = [mtl.Task(name, mtl.heads.Binary()) for name in "abc"]
    model = mtl.build_model((2,), tasks, mtl.towers.MLP((2,)), sharing)
    for name, logit in zip("abc", (-np.log(3), np.log(3), 0.0), strict=True):
        model.get_layer(f"{name}_linear").set_weights([np.zeros((2, 1)), np.array([logit])])
    return model


def test_calibration_by_hand():
    model, x, y = _calibrated(AITM(calibration=0.6)), np.ones((4, 2)), {name: np.ones(4) for name in "abc"}
    model.compile("sgd", metrics=[])
    log_losses = -np.log([0.25, 0.75, 0.5]).sum()
    assert model.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(log_losses + 0.6 * 0.5, rel=1e-5)


def test_calibration_is_trained_and_leaves_the_predictions_as_they_are():
    model, x = _calibrated(AITM(calibration=1.0)), np.ones((4, 2))
    predicted = model.predict(x, verbose=0)
    assert [float(predicted[name][0, 0]) for name in "abc"] == pytest.approx([0.25, 0.75, 0.5])
    model.compile(keras.optimizers.SGD(1.0), loss_weights=dict.fromkeys("abc", 0.0), metrics=[])
    model.train_on_batch(x, {name: np.ones(4) for name in "abc"})
    bias = {name: float(model.get_layer(f"{name}_linear").bias[0]) for name in "abc"}
    # of max(p_b − p_a, 0): p·(1 − p) = 3/16, up for a and down for b; b is not below c
    assert bias == pytest.approx({"a": -np.log(3) + 3 / 16, "b": np.log(3) - 3 / 16, "c": 0.0}, abs=1e-6)


def test_calibration_needs_binary_tasks():
    with pytest.raises(ValueError, match=r"`calibration` needs tasks that are yes or no.*\['digit', 'marks', 'ink'\]"):
        mtl.build_model(toy.SHAPE, toy.tasks(), sharing=AITM(calibration=0.6))
    with pytest.raises(ValueError, match=r"`calibration` must be a finite number of at least 0\. Received: .*=-1"):
        AITM(calibration=-1)
