"""What is said of a trained model: dead units, a constant output, a loss that diverged."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.study._flags import flags_of

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")


@pytest.fixture
def model():
    """A ReLU layer of four units for both tasks, and one of two units for `a` alone."""
    tasks = [mtl.Task("a", mtl.heads.Binary(hidden=(2,))), mtl.Task("b", mtl.heads.Regression())]
    return mtl.build_model((3,), tasks, tower=mtl.towers.MLP((4,)))


def _kill(layer, units):
    """Makes the first units of a layer never fire."""
    kernel, bias = (np.array(weight) for weight in layer.get_weights())
    kernel[:, :units], bias[:units] = 0.0, -1.0
    layer.set_weights([kernel, bias])


def _fire(layer):
    """Makes every unit of a layer fire on some rows."""
    layer.set_weights([np.ones_like(layer.get_weights()[0]), 0.1 * np.ones_like(layer.get_weights()[1])])


def test_a_sound_model_has_none(model):
    for layer in model.layers:
        if layer.get_weights():
            _fire(layer)
    assert flags_of(model, (X,), {"loss": [2.0, 1.0]}) == []


def test_dead_units_and_a_constant_output(model):
    """The head of the census-income table: its units are dead, and so its output is the bias alone."""
    for layer in model.layers:
        if layer.get_weights():
            _fire(layer)
    tower, hidden = (layer for layer in model.layers if layer.get_weights() and "linear" not in layer.name)
    _kill(hidden, 2)
    _kill(tower, 3)
    assert flags_of(model, (X,), {}) == [
        "the output of `a` is constant",
        "3 of 4 units of `shared_dense1_activation` are dead",
        "2 of 2 units of `a_hidden1` are dead",
    ]
    _fire(tower)
    _kill(tower, 2)  # half of them: worth no word
    assert flags_of(model, (X,), {}) == ["the output of `a` is constant", "2 of 2 units of `a_hidden1` are dead"]


def test_an_output_that_is_not_finite(model):
    last = model.get_layer("b_linear")
    last.set_weights([np.full_like(last.get_weights()[0], np.nan), last.get_weights()[1]])
    assert "the output of `b` is not finite" in flags_of(model, (X,), {})


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([1.0, np.nan], ["the loss is not finite"]),
        ([1.0, np.inf, 0.5], ["the loss is not finite"]),
        ([1.0, 0.5, 1.2], ["the loss has grown in training"]),
        ([1.0, 1.2, 0.9], []),
        ([1.0], []),
    ],
)
def test_a_loss_that_diverged(losses, expected):
    from mtl_keras.study._flags import _diverged

    assert _diverged({"loss": losses}) == expected
