"""MLP."""

import numpy as np
import pytest

from mtl_keras.towers import MLP
from tests.unit.towers._build import build, num_trainable


def test_parameter_count():
    # (3·2 + 4) inputs: 10·128 + 128 and 128·64 + 64
    assert num_trainable(build(MLP(), {"a": (3, 2), "b": (4,)})) == 1408 + 8256


def test_parameter_count_with_batch_norm():
    # 6·5, no bias, and gamma and beta
    assert num_trainable(build(MLP(units=(5,), batch_norm=True), (6,))) == 30 + 10


def test_inputs_are_concatenated_in_the_order_of_the_dict():
    model = build(MLP(units=(1,), activation="linear"), {"b": (2,), "a": (1, 1)})
    model.set_weights([np.array([[1.0], [10.0], [100.0]]), np.zeros(1)])
    x = {"a": np.array([[[3.0]]]), "b": np.array([[1.0, 2.0]])}
    np.testing.assert_allclose(model(x)["shared"], [[321.0]])


def test_booleans_are_cast():
    model = build(MLP(units=(1,), activation="linear"), (2,), dtype="bool")
    model.set_weights([np.array([[1.0], [10.0]]), np.zeros(1)])
    np.testing.assert_allclose(model(np.array([[True, True], [False, True]]))["shared"], [[11.0], [10.0]])


def test_each_layer_is_norm_then_activation_then_dropout():
    model = build(MLP(units=(2,), dropout=0.5, batch_norm=True), (2,))
    assert [layer.name for layer in model.layers[1:]] == [
        "shared_dense1_dense",
        "shared_dense1_norm",
        "shared_dense1_activation",
        "shared_dense1_dropout",
    ]


@pytest.mark.parametrize("units", [(), 64, (64, 0), (64, 1.5), (True,), "64"])
def test_bad_units(units):
    with pytest.raises(ValueError, match=r"`units` must be a tuple of integers of at least 1.*Received: units="):
        MLP(units=units)


@pytest.mark.parametrize("dropout", [-0.1, 1.0, "0.5", True])
def test_bad_dropout(dropout):
    with pytest.raises(
        ValueError, match=r"`dropout` must be a finite number of at least 0 and below 1.*Received: dropout="
    ):
        MLP(dropout=dropout)


@pytest.mark.parametrize("activation", ["reul", None, 3])
def test_bad_activation(activation):
    with pytest.raises(ValueError, match=r"`activation` must be the name of a Keras activation.*Received"):
        MLP(activation=activation)


def test_unknown_size():
    with pytest.raises(ValueError, match=r"`inputs` of dense layers must have a fixed size.*\[None, 3\]"):
        build(MLP(), (None, 3))


def test_strings():
    with pytest.raises(ValueError, match=r"`inputs` of a tower must be numbers.*of strings"):
        build(MLP(), (3,), dtype="string")
