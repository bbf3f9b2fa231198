"""build_model."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl

TASKS = [("a", mtl.heads.Multiclass(3)), ("b", mtl.heads.Regression())]


def _build(inputs=(4,), tower=None, num_tasks=2, **arguments):
    tasks = [mtl.Task(name, head) for name, head in TASKS[:num_tasks]]
    return mtl.build_model(inputs, tasks, tower=tower or mtl.towers.MLP((3,)), **arguments)


def _structure(model):
    return keras.tree.map_structure(lambda tensor: (tensor.name, tuple(tensor.shape)), model.input)


def test_is_a_functional_model_with_outputs_by_task():
    model = _build(name="own_name")
    assert isinstance(model, mtl.MultiTaskModel)
    assert model.name == "own_name"
    assert not model.compiled
    assert {task: tuple(tensor.shape) for task, tensor in model.output.items()} == {"a": (None, 3), "b": (None, 1)}
    assert model.task_names == model.output_names == ["a", "b"]
    assert [task.name for task in model.tasks] == ["a", "b"]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (lambda: (4,), ("inputs", (None, 4))),
        (lambda: [4, 2], ("inputs", (None, 4, 2))),
        (lambda: (), ("inputs", (None,))),
        (lambda: keras.Input((4,), name="pixels"), ("pixels", (None, 4))),
        (lambda: {"one": (4,)}, {"one": ("one", (None, 4))}),
        (
            lambda: {"y": (4,), "x": keras.Input((2, 2), name="x")},
            {"x": ("x", (None, 2, 2)), "y": ("y", (None, 4))},
        ),
        (
            lambda: [keras.Input((4,), name="y"), keras.Input((2,), name="x")],
            {"x": ("x", (None, 2)), "y": ("y", (None, 4))},
        ),
        (lambda: (keras.Input((4,), name="only"),), {"only": ("only", (None, 4))}),
    ],
    ids=["tuple", "list", "scalar", "input", "dict_of_one", "dict", "list_of_inputs", "tuple_of_one_input"],
)
def test_inputs(inputs, expected):
    model = _build(inputs())
    assert _structure(model) == expected
    x = keras.tree.map_structure(lambda tensor: np.ones((2, *tensor.shape[1:]), "float32"), model.input)
    assert model.predict(x, verbose=0)["a"].shape == (2, 3)


def test_the_type_of_an_input_is_kept():
    model = _build({"count": keras.Input((2,), dtype="int32", name="count"), "x": (3,)})
    assert model.input["count"].dtype == "int32"


@pytest.mark.parametrize(
    "preprocess",
    [keras.layers.Rescaling(0.5), [keras.layers.Rescaling(0.25, name="one"), keras.layers.Rescaling(2.0, name="two")]],
    ids=["layer", "list"],
)
def test_preprocess_is_part_of_the_model_and_not_of_the_towers(preprocess):
    model, plain = _build(preprocess=preprocess, sharing="soft"), _build(sharing="soft")
    plain.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    for task, value in model(x).items():
        np.testing.assert_allclose(value, plain(x / 2)[task], atol=1e-6)
    assert model.tower_layers == plain.tower_layers


def test_preprocess_takes_every_input():
    inputs = {"x": (2,), "y": (3,)}
    model, plain = _build(inputs, preprocess=keras.layers.Rescaling(0.5)), _build(inputs)
    plain.set_weights(model.get_weights())
    x = {name: np.ones((1, *shape), "float32") for name, shape in inputs.items()}
    half = {name: value / 2 for name, value in x.items()}
    np.testing.assert_allclose(model(x)["b"], plain(half)["b"], atol=1e-6)


@pytest.mark.parametrize("sharing", ["hard", "soft"])
def test_towers_are_recorded(sharing):
    model = _build((2, 2), sharing=sharing)
    for task, layers in model.tower_layers.items():
        prefix = "shared" if sharing == "hard" else task
        assert layers == [f"{prefix}_dense1_flatten", f"{prefix}_dense1_dense", f"{prefix}_dense1_activation"]
    assert list(model.tower_layers) == ["a", "b"]


def test_the_defaults_are_a_dense_tower_that_all_share():
    model = mtl.build_model((4,), [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Binary())])
    assert [layer.name for layer in model.layers if layer.weights][:2] == ["shared_dense1_dense", "shared_dense2_dense"]


@pytest.mark.parametrize("sharing", ["single_task", mtl.sharing.SingleTask()])
def test_names_and_recipes_are_the_same(sharing):
    assert _build(sharing=sharing).tower_layers["b"][0].startswith("b_")


@pytest.mark.parametrize("tower", [keras.layers.Dense(2), keras.Sequential([keras.layers.Dense(2)])])
def test_any_layer_or_model_is_a_tower(tower):
    model = _build(tower=tower)
    assert model.tower_layers == {"a": [tower.name], "b": [tower.name]}
    assert model.get_layer(tower.name) is tower


def test_one_task():
    model = _build(num_tasks=1)
    assert list(model.output) == ["a"]
    assert model.partition is None  # until `compile`


def test_tasks_may_come_from_a_generator():
    assert mtl.build_model((2,), (mtl.Task(name, head) for name, head in TASKS)).task_names == ["a", "b"]


@pytest.mark.parametrize(
    "tasks", [[], [mtl.heads.Binary()], ["digit"], {"a": mtl.heads.Binary()}, [mtl.Task("a", mtl.heads.Binary()), None]]
)
def test_bad_tasks(tasks):
    with pytest.raises(ValueError, match=r"`tasks` must be a list of at least one mtl_keras.Task. Received: tasks=\["):
        mtl.build_model((2,), tasks)


def test_tasks_of_one_name():
    tasks = [mtl.Task(name, mtl.heads.Binary()) for name in ("a", "b", "a")]
    with pytest.raises(ValueError, match=r"`tasks` must have distinct names. Received: \['a', 'b', 'a'\]"):
        mtl.build_model((2,), tasks)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown name 'lenett' in mtl_keras.towers. Expected one of: alexnet, .*mlp"):
        _build(tower="lenett")
    with pytest.raises(
        ValueError, match=r"Unknown name 'sofft' in mtl_keras.sharing. Expected one of: aitm, .*hard, .*soft"
    ):
        _build(sharing="sofft")


@pytest.mark.parametrize("tower", [3, mtl.towers.MLP, mtl.sharing.Hard(), keras.layers.Dense])
def test_a_tower_of_a_wrong_type(tower):
    with pytest.raises(ValueError, match=r"`tower` must be one of 'alexnet', .*'mlp'.*a recipe such as.*Received"):
        _build(tower=tower)


@pytest.mark.parametrize("sharing", [3, None, mtl.towers.MLP(), mtl.sharing.Hard])
def test_sharing_of_a_wrong_type(sharing):
    with pytest.raises(ValueError, match=r"`sharing` must be one of 'aitm', .*a recipe such as.*Received: sharing="):
        _build(sharing=sharing)


def test_the_tower_must_end_in_features_that_a_head_takes():
    with pytest.raises(ValueError, match=r"The features of task 'a' must have rank 2, 3 or 4.*Flatten"):
        _build((2, 2, 2, 2), tower=keras.layers.Dense(3))
