"""What acts on the tasks' own variables, for the methods whose paper weighs the losses as a whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl

RNG = np.random.default_rng(0)
X = tf.constant(RNG.normal(size=(6, 3)), "float32")
Y = {task: tf.constant(RNG.normal(size=(6, 1)) + i, "float32") for i, task in enumerate("abc")}
RATE = 0.1
STATE = np.array([0.5, 1.0, 1.5], "float32")
SOFTMAX = np.exp(STATE) / np.exp(STATE).sum()


def _imtl(weighting):
    weighting.log_scales.assign(STATE)


def _gradnorm(weighting):
    weighting.task_weights.assign(STATE)


def _excess_mtl(weighting):
    weighting.logits.assign(STATE)  # of which the first batch leaves the differences


FACTORS = {  # what is set before the step, and the factors of the three heads' gradients
    "imtl": (_imtl, lambda losses: np.exp(STATE)),
    "gradnorm": (_gradnorm, lambda losses: STATE),
    "excess_mtl": (_excess_mtl, lambda losses: SOFTMAX),
    "db_mtl": (None, lambda losses: 1 / losses),
    "pcgrad": (None, lambda losses: np.ones(3)),
    "moco": (None, lambda losses: np.ones(3)),
}


def _model(weighting, **arguments):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(task, mtl.heads.Regression()) for task in "abc"]
    model = mtl.build_model((3,), tasks, mtl.towers.MLP((4,)))
    model.compile(keras.optimizers.SGD(RATE), weighting=weighting, metrics=[], **arguments)
    return model


def _head_steps(model, steps=1):
    """Returns by how much each head's kernel moved, divided by its plain step, of the last step; and the losses."""
    for _ in range(steps):
        kernels = [model.get_layer(f"{task}_linear").kernel for task in "abc"]
        before = [kernel.numpy() for kernel in kernels]
        with tf.GradientTape(persistent=True) as tape:
            y_pred = model(X)
            losses = [tf.reduce_mean((y_pred[task] - Y[task]) ** 2) for task in "abc"]
        slopes = [tape.gradient(loss, kernel.value).numpy() for loss, kernel in zip(losses, kernels, strict=True)]
        model.train_step((X, Y))
    moved = [(old - kernel.numpy()) / RATE / g for old, kernel, g in zip(before, kernels, slopes, strict=True)]
    for ratio in moved:
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)
    return np.array([ratio[0, 0] for ratio in moved]), np.array([float(loss) for loss in losses])


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("apply_to", [None, "shared"])
def test_factors_of_the_heads(name, apply_to):
    model = _model(name, apply_to=apply_to)
    prepare, factors = FACTORS[name]
    if prepare:
        prepare(model.weighting)
    moved, losses = _head_steps(model)
    np.testing.assert_allclose(moved, factors(losses) if apply_to is None else np.ones(3), rtol=1e-3)


@pytest.mark.parametrize("arguments", [{"level": "features"}, {"every": 3}], ids=["features", "every"])
def test_scales_of_imtl(arguments):
    model = _model("imtl", **arguments)
    _imtl(model.weighting)
    moved, _ = _head_steps(model, steps=2 if "every" in arguments else 1)
    np.testing.assert_allclose(moved, np.exp(STATE), rtol=1e-3)


def test_an_average_weighs_the_heads_as_the_method_does():
    model = _model(mtl.weightings.EMA(weighting=mtl.weightings.IMTL(), decay=0.5))
    _imtl(model.weighting.weighting)
    np.testing.assert_allclose(_head_steps(model)[0], np.exp(STATE), rtol=1e-3)
    assert mtl.weightings.EMA(weighting="gradnorm").apply_to == "all"
    assert mtl.weightings.EMA(weighting="mgda").apply_to == "shared"


@pytest.mark.parametrize("name", ["moco", "graddrop", "trimmed_mean"])
def test_a_method_without_factors_refuses(name):
    with pytest.raises(ValueError, match=r"`apply_to` does not apply to .*, which returns no weights"):
        _model(name, apply_to="all")
