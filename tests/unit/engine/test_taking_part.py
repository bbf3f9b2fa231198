"""A task of loss weight 0 is as if it did not exist, under every weighting; so is one that trains nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import _registry
from mtl_keras.weightings import GradientAggregator, GramianWeighting, HalvesWeighting, LossScalarizer
from tests.helpers import toy

DRAWS = {"rlw", "graddrop", "pcgrad", "gradvac"}  # other numbers for another number of tasks
RNG = np.random.default_rng(0)
X = tf.constant(RNG.normal(size=(6, 3)), "float32")
Y = {task: tf.constant(RNG.normal(size=(6, 1)), "float32") for task in "abcd"}


def _model(tasks, weighting, **arguments):
    """A tower with a linear head for each task, all from fixed numbers."""
    x = keras.Input((3,))
    fixed = {size: np.linspace(-1, 1, 3 * size).reshape(3, size) for size in (2, 3)}
    shared = keras.layers.Dense(3, "tanh", kernel_initializer=lambda *_, **__: fixed[3], name="shared")(x)
    outputs = {
        task: keras.layers.Dense(1, kernel_initializer=lambda *_, i=i, **__: fixed[2][:, :1] + i, name=task)(shared)
        for i, task in enumerate("abcd")
        if task in tasks
    }
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(keras.optimizers.SGD(0.1), weighting=weighting, **{"loss": "mse", **arguments})
    return model


def _trained(model, steps=2):
    for _ in range(steps):
        model.train_step((X, {task: Y[task] for task in model.task_names}))
    return {v.path: v.numpy() for v in model.trainable_variables if v.path.split("/")[0] in ("shared", *"acd")}


@pytest.mark.parametrize("name", _registry.names("weightings"))
def test_of_weight_0(name):
    start = _model("acd", name)
    steps = 1 if name in DRAWS or start.weighting.reads in ("gramian", "halves") else 2  # a solver takes its time
    found = _trained(_model("abcd", name, loss_weights={"b": 0.0}), steps)
    before = {v.path: v.numpy() for v in start.trainable_variables}
    if name in DRAWS:
        assert np.isfinite(found["shared/kernel"]).all()
    else:
        for path, value in _trained(start, steps).items():
            np.testing.assert_allclose(found[path], value, rtol=1e-5, atol=1e-6, err_msg=path)
    assert np.any(found["shared/kernel"] != before["shared/kernel"])


def _undefined(y_true, y_pred):
    """The logarithm of a negative number: NaN, and so is its gradient."""
    return keras.ops.log(-1.0 - keras.ops.square(y_pred - y_true))


@pytest.mark.parametrize(
    ("weighting", "arguments"),
    [
        (None, {}),
        ("uncertainty", {}),
        ("famo", {}),
        ("pcgrad", {}),
        ("pcgrad", {"apply_to": "all"}),
        ("pcgrad", {"level": "features"}),
        pytest.param("pcgrad", {"every": 2}, marks=pytest.mark.graph),  # a condition with two branches
        ("pcgrad", {"chunk_size": 2}),
        ("db_mtl", {}),
        ("graddrop", {}),
        ("modo", {}),
    ],
    ids=str,
)
def test_a_loss_that_is_not_finite_does_nothing_with_weight_0(weighting, arguments):
    results, logs = [], []
    for loss in ("mse", _undefined):
        keras.utils.set_random_seed(0)
        losses = dict.fromkeys("abcd", "mse") | {"b": loss}
        model = _model("abcd", weighting, loss=losses, loss_weights={"b": 0.0}, metrics=[], **arguments)
        y = {task: Y[task] for task in "abcd"}
        fitted = model.fit(X, y, epochs=2, batch_size=3, shuffle=False, validation_data=(X, y), verbose=0).history
        results.append({v.path: v.numpy() for v in model.trainable_variables})
        logs.append({name: values for name, values in fitted.items() if name not in ("b_loss", "val_b_loss")})
    for path, value in results[0].items():
        np.testing.assert_array_equal(results[1][path], value, err_msg=path)
    assert logs[0] == logs[1]
    assert np.isnan(fitted["b_loss"]).all()
    assert np.isfinite(fitted["loss"] + fitted["val_loss"]).all()


class Presence(GramianWeighting):
    """Remembers which tasks it took for present, and with what losses."""

    def build(self, num_tasks):
        super().build(num_tasks)
        self.seen = self.add_state("seen", (2, num_tasks))

    def call(self, gramian, losses, present):
        self.seen.assign(tf.stack([present, losses]))
        return present


class PresenceOfRows(Presence, GradientAggregator):
    reads, has_weights = "rows", False

    def call(self, rows, losses, present):
        self.seen.assign(tf.stack([present, losses]))
        return tf.reduce_sum(rows, axis=0)


class PresenceOfHalves(Presence, HalvesWeighting):
    reads = "halves"


class PresenceOfLosses(Presence, LossScalarizer):
    reads, reads_gradients = "losses", False

    def call(self, losses, present):
        self.seen.assign(tf.stack([present, losses]))
        return tf.reduce_sum(losses * present)


KINDS = [Presence, PresenceOfRows, PresenceOfHalves, PresenceOfLosses]


def _seen(model):
    if model.plan is None:
        return None
    model.train_step((X, {task: Y[task] for task in model.task_names}))
    present, losses = model.weighting.seen.numpy()
    np.testing.assert_array_equal(losses != 0, present == 1)
    return "".join(task for task, there in zip(model.task_names, present, strict=True) if there)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_weighting_sees(kind):
    assert _seen(_model("abc", kind(), loss_weights={"b": 0.0, "c": 1e-6})) == "ac"
    model = _model("abc", kind())
    model.freeze("b")  # its loss still trains what is shared
    assert _seen(model) == "abc"
    model.freeze("shared")
    assert _seen(model) == ("ac" if kind is PresenceOfLosses else None)  # of the gradients nothing is left to weigh


def _two_towers(weighting, **arguments):
    """Tasks a and b share a tower, and d has one of its own."""
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(task, mtl.heads.Regression()) for task in "abd"]
    sharing = mtl.sharing.Hard(groups=[["a", "b"], ["d"]])
    model = mtl.build_model((3,), tasks, mtl.towers.MLP((2,)), sharing)
    model.compile(keras.optimizers.SGD(0.1), metrics=[], weighting=weighting, **arguments)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_what_shares_nothing_is_seen_where_the_losses_are_read(kind):
    model = _two_towers(kind())
    assert _seen(model) == ("abd" if kind is PresenceOfLosses else "ab")
    model.freeze("d")
    assert _seen(model) == "ab"


@pytest.mark.parametrize("apply_to", ["shared", "all"])
def test_what_shares_nothing_neither_stops_the_others_nor_stands_still(apply_to):
    """The shortest vector between the gradients of all three would be that of d, which is 0."""
    model, plain = _two_towers("mgda", apply_to=apply_to), _two_towers(None)
    own = {id(v) for v in model.partition.own["d"]}
    for one in (model, plain):
        one.train_step((X, {task: Y[task] for task in "abd"}))
    start = {v.path: v.numpy() for v in _two_towers(None).trainable_variables}
    for mine, theirs in zip(model.trainable_variables, plain.trainable_variables, strict=True):
        if id(mine) in own:
            np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    assert any(np.any(v.numpy() != start[v.path]) for v in model.partition.shared)


@pytest.mark.parametrize("name", ["gls", "famo", "mgda", "gradnorm"])
def test_a_frozen_head_trains_the_shared_part(name):
    arguments = {"apply_to": "all"} if name in ("mgda", "gradnorm") else {}
    keras.utils.set_random_seed(0)
    model = toy.model(weighting=name, **arguments)
    model.freeze("odd")
    x, y = toy.arrays()
    before = {v.path: v.numpy() for v in model.variables}
    model.fit(x, y, verbose=0)
    changed = {v.path for v in model.variables if np.any(v.numpy() != before[v.path])}
    assert not [path for path in changed if path.startswith("odd_linear")]
    assert "digit_linear/kernel" in changed
    assert [path for path in changed if path.startswith("shared")]


def test_a_primary_task_must_take_part():
    with pytest.raises(ValueError, match="PCD follows the task 'a', which takes no part: its loss weight is 0"):
        _model("abc", "pcd", loss_weights={"a": 0.0})
    primary = mtl.weightings.MetaBalance(primary="a")  # beside which the others have weight 1
    found, plain = (_trained(_model("abcd", w, loss_weights={"a": 0.0})) for w in (primary, None))
    for path, value in plain.items():
        np.testing.assert_allclose(found[path], value, rtol=1e-5, atol=1e-6, err_msg=path)
