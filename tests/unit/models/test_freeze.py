"""freeze and unfreeze: what is frozen stays to the bit, and the rest goes on."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy
from tests.helpers.marks import first_fast

OPTIMIZERS = {
    "adam": lambda model: keras.optimizers.Adam(1e-2),
    "adamw": lambda model: keras.optimizers.AdamW(1e-2, weight_decay=0.1),
    "by_part": lambda model: mtl.optimizers.by_part(model, keras.optimizers.Adam(1e-2), heads="adam"),
}
if not hasattr(keras.optimizers, "MultiOptimizer"):
    del OPTIMIZERS["by_part"]
X, Y = toy.arrays()
del Y["digit"]  # three tasks are enough
DATA = mtl.data.from_arrays(X, Y, batch_size=10)


def _model(optimizer="adam", tower=None, **arguments):
    keras.utils.set_random_seed(0)
    tower = tower or mtl.towers.MLP((8,), batch_norm=True)
    model = mtl.build_model(toy.SHAPE, toy.tasks()[1:], tower=tower)
    model.compile(OPTIMIZERS[optimizer](model), metrics=[], **arguments)
    return model


def _fit(model, epochs=1):
    model.fit(DATA, epochs=epochs, verbose=0)


def _values(model, part="shared"):
    """Returns the weights of a part with batch-norm statistics, and its optimizer slots, by path."""
    named = {v.path: v.numpy() for v in model.variables if v.path.startswith(part)}
    slots = {f"{v.path} {i}": v.numpy() for i, v in enumerate(model.optimizer.variables) if f"/{part}_" in v.path}
    assert len(slots) >= len(named) - 2  # two for each trained variable
    return {**named, **slots}


def _changed(before, after):
    assert before.keys() == after.keys()
    return {not np.array_equal(before[key], after[key]) for key in before}


def _assert_equal(model, other):
    for variables in ("variables", "optimizer.variables"):
        ours, theirs = (
            [v.numpy() for v in (m if variables == "variables" else m.optimizer).variables] for m in (model, other)
        )
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("optimizer", "weighting"),
    [
        *((name, None) for name in OPTIMIZERS if name == "by_part"),
        pytest.param("adamw", None, marks=[pytest.mark.graph, pytest.mark.slow]),
        pytest.param("adam", "gradvac", marks=[pytest.mark.graph, pytest.mark.slow]),
        pytest.param("adam", "uncertainty", marks=pytest.mark.slow),
        ("adam", "moco"),
    ],
)
def test_what_is_frozen_stays_to_the_bit(optimizer, weighting):
    model = _model(optimizer, weighting=weighting)
    _fit(model)
    model.freeze("shared")
    shared, head = _values(model), _values(model, "ink")
    _fit(model)
    assert _changed(shared, _values(model)) == {False}
    assert _changed(head, _values(model, "ink")) == {True}
    model.unfreeze()
    _fit(model)
    assert _changed(shared, _values(model)) == {True}
    assert _changed(head, _values(model, "ink")) == {True}


@pytest.mark.parametrize("weighting", first_fast([None, "gradvac"]))
def test_to_freeze_and_unfreeze_changes_nothing(weighting):
    model, other = _model(weighting=weighting), _model(weighting=weighting)
    for one in (model, other):
        _fit(one)
    model.freeze("shared")
    model.unfreeze()
    for one in (model, other):
        _fit(one)
    _assert_equal(model, other)


def test_the_rest_trains_as_heads_on_fixed_features_do_in_keras():
    model = _model()
    _fit(model)
    features = keras.Model(model.input, model.get_layer("odd_linear").input)(X, training=False)
    inputs = keras.Input(features.shape[1:])
    heads = {task.name: task.head(inputs, task.name) for task in model.tasks}
    plain = keras.Model(inputs, heads)
    plain.set_weights([w for v, w in zip(model.weights, model.get_weights(), strict=True) if "shared" not in v.path])
    weights = {task.name: task.weight for task in model.tasks}
    plain.compile("adam", loss={task.name: task.head.loss() for task in model.tasks}, loss_weights=weights)
    model.freeze("shared")
    model.compile("adam", metrics=[])
    for one, inputs in ((model, X), (plain, features)):
        one.fit(inputs, Y, batch_size=10, shuffle=False, epochs=2, verbose=0)
    ours = [v for v in model.weights if "shared" not in v.path]
    for a, b in zip(ours, plain.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.graph
def test_a_task():
    model = _model()
    _fit(model)
    model.freeze("odd", "ink")
    before = {part: _values(model, part) for part in ("shared", "odd", "marks", "ink")}
    _fit(model)
    changed = {part: _changed(values, _values(model, part)) for part, values in before.items()}
    assert changed == {"shared": {True}, "odd": {False}, "marks": {True}, "ink": {False}}
    model.unfreeze("odd")
    assert list(model.frozen) == ["ink"]
    _fit(model)
    assert _changed(before["odd"], _values(model, "odd")) == {True}
    assert _changed(before["ink"], _values(model, "ink")) == {False}


@pytest.mark.parametrize("optimizer", first_fast([list(OPTIMIZERS)[-1], "adam"]))
def test_goes_on_after_a_load(optimizer, tmp_path):
    model = _model(optimizer)
    _fit(model)
    model.freeze("shared")
    _fit(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert list(loaded.frozen) == ["shared"]
    shared = _values(loaded)
    for one in (model, loaded):
        _fit(one)
    assert _changed(shared, _values(loaded)) == {False}
    for one in (model, loaded):
        one.unfreeze()
        _fit(one)
    _assert_equal(model, loaded)
    assert _changed(shared, _values(loaded)) == {True}


def test_frozen_before_it_is_compiled():
    keras.utils.set_random_seed(0)
    model = mtl.build_model(toy.SHAPE, toy.tasks()[1:], tower=mtl.towers.MLP((8,), batch_norm=True))
    model.freeze("shared")
    model.compile("adam", metrics=[])
    before = _values(model)
    _fit(model)
    assert _changed(before, _values(model)) == {False}
    model.unfreeze()
    _fit(model)
    assert _changed(before, _values(model)) == {True}


def test_what_was_frozen_otherwise_stays_so():
    image = keras.Input(toy.SHAPE)
    x = keras.layers.Dense(4, name="given", trainable=False)(keras.layers.Flatten()(image))
    x = keras.layers.Dense(3, name="own")(x)
    model = _model(tower=keras.Model(image, x, name="backbone"))
    given, own = (model.get_layer("backbone").get_layer(name) for name in ("given", "own"))
    model.freeze("shared")
    assert not given.trainable
    assert not own.trainable
    model.unfreeze()
    assert not given.trainable
    assert own.trainable
    before = given.get_weights()[0], own.get_weights()[0]
    _fit(model)
    assert np.array_equal(before[0], given.get_weights()[0])
    assert not np.array_equal(before[1], own.get_weights()[0])


class TestErrors:
    @pytest.mark.parametrize("part", ["tower", "digit", None])
    def test_unknown_part(self, part):
        model = _model()
        with pytest.raises(
            ValueError,
            match=r"`part` must be one of \['shared', 'odd', 'marks', 'ink'\], or a stage of the tower. Received: part",
        ):
            model.freeze("odd", part)
        assert not model.frozen
        assert all(layer.trainable for layer in model.layers)

    def test_nothing_is_shared(self):
        model = mtl.build_model(toy.SHAPE, toy.tasks(), sharing="single_task")
        with pytest.raises(
            ValueError, match=r"The part 'shared' of the model has no trainable variables. The tasks share"
        ):
            model.freeze("shared")

    def test_not_frozen(self):
        with pytest.raises(ValueError, match=r"`parts` must be frozen ones, out of \[\]. Received: \['shared'\]"):
            _model().unfreeze("shared")

    def test_all(self):
        model = _model()
        with pytest.raises(
            ValueError, match=r"`parts` must leave something to train. Received: \('shared', 'odd', 'ma"
        ):
            model.freeze("shared", "odd", "marks", "ink")
        assert not model.frozen
        _fit(model)

    def test_averages(self):
        model = _model()
        model.compile(keras.optimizers.Adam(use_ema=True))
        with pytest.raises(ValueError, match="`use_ema=True` averages all variables of an optimizer"):
            model.freeze("shared")
        model.compile("adam")
        model.freeze("shared")
        with pytest.raises(ValueError, match="`use_ema=True` averages all variables of an optimizer"):
            model.compile(keras.optimizers.Adam(use_ema=True))

    @pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="needs Keras 3.15")
    def test_an_optimizer_that_needs_every_gradient(self):
        model = _model()
        model.compile(keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(keras.optimizers.SGD())))
        with pytest.raises(ValueError, match=r"MultiOptimizer` needs a gradient of every variable.*by_part"):
            model.freeze("shared")


@pytest.mark.parametrize("sharing", first_fast(["mmoe", "hard", "single_task", mtl.sharing.Hard(split_after="dense1")]))
@pytest.mark.parametrize("weighting", first_fast(["pcgrad", None]))
def test_a_stage_of_the_tower(sharing, weighting, tmp_path):
    if (sharing, weighting) == ("single_task", "pcgrad"):
        pytest.skip("reads the gradients of shared variables, and there are none")
    model = mtl.build_model(toy.SHAPE, toy.tasks()[1:], tower=mtl.towers.MLP((5, 4)), sharing=sharing)
    model.compile("adam", metrics=[], weighting=weighting)
    model.freeze("dense1")
    assert all(
        ("_dense1_" in v.path) != v.trainable for v in model.weights if "_dense1_" in v.path or "dense2" in v.path
    )
    before = {v.path: v.numpy() for v in model.weights}
    _fit(model)
    for v in model.weights:
        assert np.array_equal(v.numpy(), before[v.path]) == ("_dense1_" in v.path), v.path
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert list(loaded.frozen) == ["dense1"]
    loaded.unfreeze()
    assert all(v.trainable for v in loaded.weights)


@pytest.mark.parametrize("thawed", ["shared", "dense1"])
def test_parts_that_overlap(thawed):
    model = mtl.build_model(toy.SHAPE, toy.tasks()[1:], tower=mtl.towers.MLP((5, 4)))
    model.freeze("dense1")
    model.freeze("shared")
    model.unfreeze(thawed)
    still = ["_dense1_"] if thawed == "shared" else ["_dense1_", "_dense2_"]
    assert {v.path for v in model.weights if not v.trainable} == {
        v.path for v in model.weights if any(name in v.path for name in still)
    }
    model.unfreeze()
    assert all(v.trainable for v in model.weights)
