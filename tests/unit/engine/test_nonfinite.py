"""A step in which anything is not finite is skipped under every weighting, and nothing stops."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import mtl_keras as mtl
from mtl_keras import _registry
from mtl_keras.weightings import GradientAggregator

TASKS = ("a", "b", "c")
GOOD = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")


def _batch(number=None, label=None, scale=1.0):
    """Returns a batch of four rows of two numbers, one of which, or one label of b, is something else."""
    x, y = GOOD * scale, {task: GOOD[:, 0] + i for i, task in enumerate(TASKS)}
    if number is not None:
        x[0, 1] = number
    if label is not None:
        y["b"][2] = label
    return tf.constant(x), {task: tf.constant(labels) for task, labels in y.items()}


BAD = {
    "one NaN": _batch(number=np.nan),
    "one inf": _batch(number=np.inf),
    "all huge": _batch(scale=1e30),
    "NaN label": _batch(label=np.nan),
    "inf label": _batch(label=np.inf),
}


def _model(weighting, **arguments):
    """A linear tower with three linear heads; the loss of b has finite gradients at a label that is infinite."""
    x = keras.Input((2,))
    shared = keras.layers.Dense(2, kernel_initializer="identity", name="shared")(x)
    outputs = {
        task: keras.layers.Dense(1, kernel_initializer="ones", dtype="float32", name=task)(shared) for task in TASKS
    }
    model = mtl.MultiTaskModel(x, outputs)
    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9)
    if keras.config.dtype_policy().name == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    model.compile(optimizer, loss={"a": "mse", "b": "mae", "c": "mse"}, weighting=weighting, **arguments)
    return model


def _values(model):
    scale = getattr(model.optimizer, "dynamic_scale", None)
    optimizer = [v for v in model.optimizer.variables if v is not scale and "step_counter" not in v.path]
    logs = {id(v) for metric in model.metrics for v in metric.variables}
    return {v.path: v.numpy() for v in [*model.variables, *optimizer] if id(v) not in logs}


@pytest.fixture
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield
    keras.config.set_dtype_policy("float32")


POLICIES = pytest.mark.parametrize("policy", ["float32", "mixed_float16"], indirect=True)
NAMES = _registry.names("weightings")
# Those whose solver stops at a NaN, and one of each kind; the others are slow tests.
FAST = {
    "float32": ["aligned_mtl", "cagrad", "con_fig", "ema", "famo", "gls", "graddrop", "imtl", "imtl_g", "mgda", "modo"],
    "mixed_float16": ["aligned_mtl", "con_fig", "db_mtl", "ema", "gls", "modo"],
}
CASES = [*(("float32", name) for name in NAMES), *(("mixed_float16", name) for name in NAMES)]


@pytest.mark.parametrize(
    ("policy", "name"),
    [case if case[1] in FAST[case[0]] else pytest.param(*case, marks=pytest.mark.slow) for case in CASES],
    indirect=["policy"],
)
def test_every_weighting_skips_the_step(name, policy):
    model = _model(name)
    model.train_step(_batch())
    before = _values(model)
    for skipped, (kind, batch) in enumerate(BAD.items(), 1):
        assert model.train_step(batch)["skipped_steps"] == skipped, kind
        for path, value in _values(model).items():
            np.testing.assert_array_equal(value, before[path], err_msg=f"{kind}: {path}")


@POLICIES
@pytest.mark.parametrize("arguments", [{"level": "features"}, {"every": 3}], ids=["features", "every"])
def test_at_features_and_between_renewals(arguments, policy):
    model = _model("aligned_mtl", **arguments)
    model.train_step(_batch())
    before = {path: value for path, value in _values(model).items() if not path.endswith("/step")}
    for batch in BAD.values():
        model.train_step(batch)
    after = _values(model)
    for path, value in before.items():
        np.testing.assert_array_equal(after[path], value, err_msg=path)


@pytest.mark.parametrize("name", ["aligned_mtl", "sdmgrad", "moco", "gls"])
def test_to_raise_says_why(name):
    model = _model(name, nonfinite="raise")
    with pytest.raises(tf.errors.InvalidArgumentError, match="A loss or gradient is not finite"):
        model.train_step(BAD["one NaN"])


class Decomposed(GradientAggregator):
    """Takes the longest of the singular vectors, whose computation stops the program at a NaN."""

    def call(self, rows, losses, present):
        return ops.svd(rows)[2][0]


@pytest.mark.graph
@pytest.mark.parametrize("weighting", ["con_fig", Decomposed()], ids=["Gramian", "rows"])
def test_in_a_graph(weighting):
    model = _model(weighting)
    x, y = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *BAD.values())
    before = model.get_weights()
    history = model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history
    assert history["skipped_steps"] == [len(BAD)]
    for variable, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)
