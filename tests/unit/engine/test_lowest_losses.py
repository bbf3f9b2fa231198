"""Negative losses under a method that takes their logarithms, or divides by them, are an error at the step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import mtl_keras as mtl
from mtl_keras import _registry

w = mtl.weightings
NOT_NEGATIVE = {"db_mtl", "dtp", "dwa", "famo", "gls", "gradnorm", "imtl", "imtl_l", "scale_invariant", "uncertainty"}
MORE = [w.MGDA(normalize="loss"), w.MGDA(normalize="loss+"), w.EMA(weighting="gradnorm")]
X, Y = np.ones((2, 1), "float32"), {task: np.ones((2, 1), "float32") for task in "abc"}


@keras.saving.register_keras_serializable("tests")
def around(y_true, y_pred):
    """Squared error, from -1 on."""
    return ops.mean(ops.square(y_true - y_pred), axis=-1) - 1.0


def _model(weighting, b, **arguments):
    """Tasks whose losses are 4, (b - 1)² - 1 and 4 on `X` and `Y`."""
    x = keras.Input((1,))
    shared = keras.layers.Dense(1, kernel_initializer="ones")(x)
    outputs = {
        task: keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(start), name=task)(shared)
        for task, start in (("a", 3.0), ("b", b), ("c", -1.0))
    }
    model = mtl.MultiTaskModel(x, outputs)
    model.compile("sgd", loss={"a": "mse", "b": around, "c": "mse"}, weighting=weighting, **arguments)
    return model


def _step(model):
    x, y = tf.constant(X), {task: tf.constant(labels) for task, labels in Y.items()}
    return model.train_step((x, y))


def test_which_take_no_negative_losses():
    found = {
        name for name in _registry.names("weightings") if _registry.get("weightings", name).lowest_losses is not None
    }
    assert found == NOT_NEGATIVE
    assert all(weighting.lowest_losses == 0.0 for weighting in MORE)
    assert w.MGDA(normalize="l2").lowest_losses is None


@pytest.mark.parametrize("weighting", [*sorted(NOT_NEGATIVE), *MORE])
def test_a_negative_loss(weighting):
    model = _model(weighting, b=1.5)
    before = model.get_weights()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"takes no loss below 0.0, and one of \['a', 'b', 'c'\]"):
        _step(model)
    for value, variable in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(value, variable)


@pytest.mark.parametrize("weighting", ["famo", "imtl"])
def test_a_loss_of_0_up_to_round_off_is_none(weighting):
    assert _step(_model(weighting, b=float(1 + np.sqrt(1 - 1e-4))))["skipped_steps"] == 0.0


def test_bounds_of_each_task():
    assert _step(_model(w.FAMO(min_losses=[0.0, -1.0, 0.0]), b=1.5))["skipped_steps"] == 0.0
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"FAMO takes no loss below \(0.0, 0.0, 5.0\)"):
        _step(_model(w.FAMO(min_losses=[0.0, 0.0, 5.0]), b=3.0))
    absent = _model(w.FAMO(min_losses=[0.0, 0.0, 5.0]), b=3.0, loss_weights={"c": 0.0})
    assert _step(absent)["skipped_steps"] == 0.0


@pytest.mark.graph
@pytest.mark.parametrize("xla", [False, True])
def test_in_a_graph(xla):
    """XLA leaves assertions out: the step is skipped, and counted."""
    model = _model("gls", b=1.5, jit_compile=xla)
    before = model.get_weights()
    if xla:
        assert model.fit(X, Y, verbose=0).history["skipped_steps"] == [1.0]
    else:
        with pytest.raises(tf.errors.InvalidArgumentError, match="GLS takes no loss below 0"):
            model.fit(X, Y, verbose=0)
    for value, variable in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(value, variable)
