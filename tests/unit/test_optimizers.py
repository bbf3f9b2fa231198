"""Optimizers by part."""

import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.engine import Partition
from tests.helpers import toy

pytestmark = pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="needs Keras 3.15")

STILL = {"learning_rate": 0.0}


def _model(sharing="hard"):
    keras.utils.set_random_seed(0)
    return mtl.build_model(toy.SHAPE, toy.tasks(), tower=mtl.towers.MLP((8,)), sharing=sharing)


def _moved(model, **fit):
    """Trains, and returns the parts whose every variable moved, and those of which none did."""
    partition = Partition(model)
    parts = {"shared": partition.shared, **partition.own}
    if model.weighting:
        parts["weighting"] = model.weighting.trainable_variables
    before = {part: [v.numpy() for v in variables] for part, variables in parts.items()}
    model.fit(*toy.arrays(), verbose=0, **fit)
    moved = {
        part: [np.abs(v.numpy() - old).max() > 0 for v, old in zip(variables, before[part], strict=True)]
        for part, variables in parts.items()
    }
    assert all(len(set(flags)) <= 1 for flags in moved.values()), moved
    return {part for part, flags in moved.items() if any(flags)}


SGD = keras.optimizers.SGD
EVERY = {"shared", "digit", "odd", "marks", "ink"}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: {"tower": SGD(**STILL), "heads": "sgd"}, EVERY - {"shared"}),
        (lambda: {"tower": "sgd", "heads": SGD(**STILL)}, {"shared"}),
        (lambda: {"tower": "sgd", "tasks": {"ink": SGD(**STILL)}}, EVERY - {"ink"}),
        (lambda: {"tower": "sgd", "heads": SGD(**STILL), "tasks": {"ink": "adam"}}, {"shared", "ink"}),
        (lambda: {"tower": "adam"}, EVERY),
    ],
    ids=["tower_still", "heads_still", "task_still", "task_over_heads", "one_for_all"],
)
def test_each_part_is_moved_by_its_optimizer(make, expected):
    model = _model()
    model.compile(mtl.optimizers.by_part(model, **make()))
    assert _moved(model) == expected


@pytest.mark.parametrize("weighting", ["pcgrad", "graddrop"])
def test_under_a_weighting(weighting):
    model = _model()
    optimizer = mtl.optimizers.by_part(model, SGD(**STILL), heads="sgd", tasks={"ink": SGD(**STILL)})
    model.compile(optimizer, weighting=weighting)
    assert _moved(model) == EVERY - {"shared", "ink"}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: {"tower": SGD(**STILL), "heads": "sgd"}, EVERY - {"shared"}),
        (lambda: {"tower": SGD(**STILL), "heads": SGD(**STILL), "weighting": "adam"}, {"weighting"}),
        (lambda: {"tower": "sgd", "weighting": SGD(**STILL)}, EVERY),
    ],
    ids=["with_the_tower", "alone", "still"],
)
def test_the_variables_of_a_weighting(make, expected):
    model = _model()
    model.compile(mtl.optimizers.by_part(model, **make()), weighting="uncertainty")
    assert _moved(model) == expected


def test_a_tower_a_task_belongs_to_its_task():
    model = _model("single_task")
    model.compile(mtl.optimizers.by_part(model, tower="sgd", heads=SGD(**STILL), tasks={"odd": "sgd"}))
    assert _moved(model) == {"odd"}


def test_equals_one_optimizer_a_part():
    """SGD moves a variable by -rate times its gradient: two rates in one run are the two runs side by side."""
    slow, fast, both = _model(), _model(), _model()
    slow.compile(SGD(0.01))
    fast.compile(SGD(0.1))
    both.compile(mtl.optimizers.by_part(both, tower=SGD(0.01), heads=SGD(0.1)))
    for model in (slow, fast, both):
        model.fit(*toy.arrays(), batch_size=toy.NUM_ROWS, verbose=0)
    for a, b, c in zip(slow.variables, fast.variables, both.variables, strict=True):
        np.testing.assert_array_equal(c, a if c.path.startswith("shared") else b)


def _compiled(weighting):
    model = _model()
    optimizer = mtl.optimizers.by_part(
        model,
        tower=keras.optimizers.Adam(1e-2),
        heads=SGD(0.1, momentum=0.9),
        tasks={"odd": "rmsprop"},
        weighting="adagrad",
    )
    model.compile(optimizer, weighting=weighting)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("weighting", [None, "uncertainty"])
def test_goes_on_after_a_load(weighting, tmp_path):
    model = _compiled(weighting)
    data = mtl.data.from_arrays(*toy.arrays(), batch_size=10)
    model.fit(data, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, keras.optimizers.MultiOptimizer)
    names = {type(optimizer).__name__ for optimizer in loaded.optimizer.optimizers}
    assert names == {"Adam", "SGD", "RMSprop", "Adagrad"}
    for one in (model, loaded):
        keras.utils.set_random_seed(3)
        one.fit(data, initial_epoch=2, epochs=4, verbose=0)
    for a, b in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=a.path)


def test_a_callback_sets_the_rate_of_each():
    model = _model()
    model.compile(mtl.optimizers.by_part(model, tower=SGD(1.0), heads=SGD(0.5)))
    model.fit(*toy.arrays(), verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)])
    assert sorted(float(o.learning_rate) for o in model.optimizer.optimizers) == [0.25, 0.5]


def test_a_plain_functional_model():
    x = keras.Input((2,))
    h = keras.layers.Dense(2)(x)
    model = keras.Model(x, {"a": keras.layers.Dense(1)(h), "b": keras.layers.Dense(1)(h)})
    model.compile(mtl.optimizers.by_part(model, SGD(**STILL), heads="sgd"), loss={"a": "mse", "b": "mse"})
    before = model.get_weights()
    model.fit(np.ones((2, 2)), {"a": np.ones(2), "b": np.ones(2)}, verbose=0)
    same = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [True, True, False, False, False, False]


@pytest.mark.parametrize("loaded", [False, True])
def test_copies_of_a_tower_whose_variables_have_the_same_path(loaded, tmp_path):
    """As of a `keras.applications` model, whose inner layers have the names that Keras gives them."""

    def tower():
        x = keras.Input((4,))
        return keras.Model(x, keras.layers.Dense(3, name="same")(x))

    x = keras.Input((4,), name="x")
    model = mtl.MultiTaskModel(x, {name: keras.layers.Dense(1, name=name)(tower()(x)) for name in "abc"})
    rates = {"a": 0.0, "b": 0.25, "c": 0.5}
    optimizer = mtl.optimizers.by_part(model, "sgd", tasks={t: keras.optimizers.SGD(rate) for t, rate in rates.items()})
    model.compile(optimizer, loss="mse")
    data = np.ones((2, 4), "float32"), dict.fromkeys("abc", np.full(2, 9.0, "float32"))
    if loaded:
        model.fit(*data, verbose=0)
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    before = model.get_weights()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            assert [v.path for v in layer.weights] == ["same/kernel", "same/bias"]
    bias = {name: model.partition.own[name][-1].numpy() for name in "abc"}
    p = model.predict(data[0], verbose=0)
    model.fit(*data, verbose=0)
    for name, rate in rates.items():
        moved = model.partition.own[name][-1].numpy() - bias[name]
        np.testing.assert_allclose(moved, rate * 2 * (9.0 - p[name][0]), rtol=1e-4)
    kernels = [v for v in model.weights if v.path == "same/kernel"]
    old = [w for v, w in zip(model.weights, before, strict=True) if v.path == "same/kernel"]
    assert [bool(np.abs(v.numpy() - w).max() > 1e-3) for v, w in zip(kernels, old, strict=True)] == [False, True, True]


class TestErrors:
    def test_unknown_task(self):
        with pytest.raises(
            ValueError, match=r"`tasks` has unknown keys \['oddd'\]. Expected task names out of \['digi"
        ):
            mtl.optimizers.by_part(_model(), "adam", tasks={"oddd": "sgd"})

    def test_a_model_without_tasks(self):
        with pytest.raises(ValueError, match=r"`model` must be a functional model with outputs by task name"):
            mtl.optimizers.by_part(keras.Sequential([keras.layers.Dense(1)]), "adam")

    def test_an_unknown_optimizer(self):
        with pytest.raises(ValueError, match="adamm"):
            mtl.optimizers.by_part(_model(), "adamm")

    def test_an_old_keras(self, monkeypatch):
        model = _model()
        monkeypatch.delattr(keras.optimizers, "MultiOptimizer")
        with pytest.raises(ImportError, match=r"`by_part` needs Keras 3.15 or newer. Received: Keras 3\."):
            mtl.optimizers.by_part(model, "adam")

    @pytest.mark.slow
    def test_the_package_imports_on_an_old_keras(self):
        program = """
            import keras
            del keras.optimizers.MultiOptimizer, keras.optimizers.OptimizerMap
            import mtl_keras as mtl
            mtl.optimizers.by_part
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)
