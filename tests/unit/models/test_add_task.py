"""add_task: a new head on a trained tower."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy

NEW = ("big", mtl.heads.Binary(hidden=(3,)))


def _new():
    return mtl.Task(*NEW)


def _trained(sharing="hard", tower=None, num_tasks=3):
    keras.utils.set_random_seed(0)
    model = mtl.build_model(toy.SHAPE, toy.tasks()[:num_tasks], tower=tower or mtl.towers.MLP((8,)), sharing=sharing)
    model.compile("sgd", metrics=[])
    x, y = toy.arrays()
    model.fit(x, {name: y[name] for name in model.task_names}, verbose=0)
    return model


def _labels(names):
    _, y = toy.arrays()
    return {**{name: y[name] for name in names}, "big": np.arange(toy.NUM_ROWS) % 2}


@pytest.mark.parametrize("loaded", [False, True])
def test_the_old_tasks_predict_as_before(loaded, tmp_path):
    model = _trained()
    x, _ = toy.arrays()
    expected = model.predict(x, verbose=0)
    if loaded:
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    larger = model.add_task(_new())
    assert larger.task_names == ["digit", "odd", "marks", "big"]
    assert [task.name for task in larger.tasks] == larger.task_names
    got = larger.predict(x, verbose=0)
    for task, values in expected.items():
        np.testing.assert_array_equal(got[task], values)
    assert got["big"].shape == (toy.NUM_ROWS, 1)
    assert larger.tower_layers["big"] == larger.tower_layers["digit"]


@pytest.mark.parametrize("loaded", [False, pytest.param(True, marks=pytest.mark.graph)])
def test_tunes_the_new_head_on_a_frozen_tower(loaded, tmp_path):
    model = _trained(tower=mtl.towers.MLP((8,), batch_norm=True))
    if loaded:
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    larger = model.add_task(_new(), freeze=["shared", "digit"])
    assert list(larger.frozen) == ["shared", "digit"]
    larger.compile("sgd", metrics=[])
    before = {v.path: v.numpy() for v in larger.variables}
    larger.fit(toy.arrays()[0], _labels(model.task_names), verbose=0)
    still = {path.split("_")[0] for path, old in before.items() if np.array_equal(old, _value(larger, path))}
    assert still == {"shared", "digit", "seed"} & {path.split("_")[0] for path in before}
    larger.unfreeze()
    larger.fit(toy.arrays()[0], _labels(model.task_names), verbose=0)
    assert not [p for p, old in before.items() if p.startswith("shared") and np.array_equal(old, _value(larger, p))]


def _value(model, path):
    (variable,) = (v for v in model.variables if v.path == path)
    return variable.numpy()


def test_equals_a_head_on_fixed_features_in_keras():
    model = _trained()
    x, _ = toy.arrays()
    features = keras.Model(model.input, model.get_layer("odd_linear").input)(x)
    larger = model.add_task(_new(), freeze=["shared", "digit", "odd", "marks"])
    inputs = keras.Input((8,))
    plain = keras.Model(inputs, mtl.heads.Binary(hidden=(3,))(inputs, "big"))
    plain.set_weights(
        [w for v, w in zip(larger.weights, larger.get_weights(), strict=True) if v.path.startswith("big")]
    )
    larger.compile("sgd", metrics=[])
    plain.compile("sgd", loss="binary_crossentropy")
    labels = _labels(model.task_names)
    larger.fit(x, labels, batch_size=5, epochs=2, shuffle=False, verbose=0)
    plain.fit(features, labels["big"], batch_size=5, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(larger.predict(x, verbose=0)["big"], plain.predict(features, verbose=0), atol=1e-6)


@pytest.mark.graph
@pytest.mark.slow
def test_without_labels_of_the_old_tasks():
    larger = _trained(num_tasks=1).add_task(_new(), freeze=["shared", "digit"])
    larger.compile("sgd", metrics=[])
    labels = {"digit": np.full(toy.NUM_ROWS, -1), "big": np.arange(toy.NUM_ROWS) % 2}
    history = larger.fit(mtl.data.from_arrays(toy.arrays()[0], labels), epochs=30, verbose=0).history
    assert history["big_loss"][-1] < history["big_loss"][0]


def test_a_task_whose_features_to_take():
    model = _trained(sharing="single_task")
    with pytest.raises(
        ValueError, match=r"`like` must name the task.*one out of \['digit', 'odd', 'marks'\].*like=None"
    ):
        model.add_task(_new())
    larger = model.add_task(_new(), like="odd")
    assert larger.tower_layers["big"] == model.tower_layers["odd"]
    assert larger.get_layer("big_hidden1").input is larger.get_layer("odd_linear").input
    assert {v.path.split("_")[0] for v in mtl.engine.Partition(larger).shared} == {"odd"}


@pytest.mark.parametrize(
    "tower",
    [
        mtl.towers.Conv(filters=(2, 3)),
        keras.layers.Dense(3),
        keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4)]),
        mtl.towers.Tabular(units=()),  # ends in an operation that is no layer
    ],
    ids=["conv", "layer", "model", "operation"],
)
def test_finds_the_features_of_every_tower(tower, tmp_path):
    model = mtl.build_model(toy.SHAPE, toy.tasks()[:2], tower=tower)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras").add_task(_new())
    first = "big_hidden1" if "big_pool" not in [layer.name for layer in loaded.layers] else "big_pool"
    old = "odd_linear" if first == "big_hidden1" else "odd_pool"
    assert loaded.get_layer(first).input is loaded.get_layer(old).input


def test_twice_and_saved(tmp_path):
    model = _trained().add_task(_new(), freeze="shared").add_task  # of a frozen model: an error
    with pytest.raises(ValueError, match=r"The model must not be frozen. Received: frozen parts \['shared'\]"):
        model(mtl.Task("ink", mtl.heads.Regression()))
    larger = _trained().add_task(_new()).add_task(mtl.Task("ink", mtl.heads.Regression()))
    larger.compile("sgd", metrics=[], weighting="pcgrad")
    larger.fit(toy.arrays()[0], {**toy.arrays()[1], "big": np.arange(toy.NUM_ROWS) % 2}, verbose=0)
    larger.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.task_names == ["digit", "odd", "marks", "big", "ink"]
    assert loaded.feature_layers == larger.feature_layers


def test_a_name_that_is_taken():
    with pytest.raises(ValueError, match=r"`task` must have a new name. Received: 'odd', which is one of \['digit'"):
        _trained().add_task(mtl.Task("odd", mtl.heads.Binary()))


def test_a_graph_of_ones_own():
    x = keras.Input((3,))
    model = mtl.MultiTaskModel(x, {"a": keras.layers.Dense(1)(x)})
    with pytest.raises(ValueError, match=r"`like` must name the task.*For a custom graph, use"):
        model.add_task(_new())


def test_shares_the_experts_of_a_task():
    model = _trained(sharing="mmoe")
    larger = model.add_task(_new(), like="odd", freeze="shared")
    assert larger.get_layer("big_hidden1").input is larger.get_layer("odd_linear").input
    larger.compile("sgd", metrics=[])
    before = {v.path: v.numpy() for v in larger.variables}
    larger.fit(toy.arrays()[0], _labels(model.task_names), verbose=0)
    moved = {path for path, old in before.items() if not np.array_equal(old, _value(larger, path))}
    # the gate of `odd` is now what two tasks share
    assert {path.split("/")[0] for path in moved} == {
        *("digit_gate", "marks_gate", "digit_linear", "odd_linear", "marks_linear", "big_hidden1", "big_linear")
    }


@pytest.mark.parametrize("loaded", [False, True])
def test_on_the_middle_of_a_tower(loaded, tmp_path):
    """The new head reads the first of two layers, of 5 and 4 units, and trains nothing above it."""
    larger = mtl.build_model(toy.SHAPE, toy.tasks()[:1], tower=mtl.towers.MLP((5, 4)))
    larger = larger.add_task(_new(), after="shared_dense1_activation")
    if loaded:
        larger.save(tmp_path / "model.keras")
        larger = keras.models.load_model(tmp_path / "model.keras")
    assert larger.get_layer("big_hidden1").kernel.shape == (5, 3)
    assert larger.tower_layers["big"] == ["shared_dense1_flatten", "shared_dense1_dense", "shared_dense1_activation"]
    partition = mtl.engine.Partition(larger)
    assert {v.path for v in partition.shared} == {"shared_dense1_dense/kernel", "shared_dense1_dense/bias"}
    assert {v.path.split("/")[0] for v in partition.own["digit"]} == {"shared_dense2_dense", "digit_linear"}
    larger.compile("sgd", metrics=[], weighting="mgda")
    history = larger.fit(toy.arrays()[0], _labels(["digit"]), verbose=0).history
    assert np.isfinite(history["big_loss"]).all()


def test_like_or_after():
    model = mtl.build_model(toy.SHAPE, toy.tasks()[:1], tower=mtl.towers.MLP((5, 4)))
    with pytest.raises(ValueError, match=r"`like` and `after` exclude each other. Received: like='digit', after="):
        model.add_task(_new(), like="digit", after="shared_dense1_activation")
    with pytest.raises(ValueError, match=r"No such layer: shared_dense1\. Existing layers are"):
        model.add_task(_new(), after="shared_dense1")
