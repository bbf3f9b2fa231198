"""Partition, on graphs made by hand."""

import keras
import pytest

from mtl_keras.engine import Partition


def _dense(name, units=2):
    return keras.layers.Dense(units, use_bias=False, name=name)


def _names(partition):
    """Returns the names of the shared layers, and of the own ones by task."""
    shared = [v.path for v in partition.shared]
    own = {task: [v.path for v in variables] for task, variables in partition.own.items()}
    return shared, own


def _kernels(*names):
    return [f"{name}/kernel" for name in names]


def test_a_variable_that_two_of_three_tasks_reach():
    x = keras.Input((3,))
    all_three = _dense("all")(x)
    two = _dense("two")(all_three)
    outputs = {"a": _dense("a")(two), "b": _dense("b")(two), "c": _dense("c")(all_three)}
    shared, own = _names(Partition(keras.Model(x, outputs)))
    assert sorted(shared) == _kernels("all", "two")
    assert own == {"a": _kernels("a"), "b": _kernels("b"), "c": _kernels("c")}


def test_one_task_shares_nothing():
    x = keras.Input((3,))
    model = keras.Model(x, {"a": _dense("a")(_dense("trunk")(x))})
    assert _names(Partition(model)) == ([], {"a": _kernels("trunk", "a")})


def test_tasks_without_a_path_in_common():
    x = keras.Input((3,))
    model = keras.Model(x, {"a": _dense("a")(x), "b": _dense("b")(x)})
    assert _names(Partition(model)) == ([], {"a": _kernels("a"), "b": _kernels("b")})


def test_two_names_for_one_tensor_share_all_behind_it():
    x = keras.Input((3,))
    y = _dense("y")(x)
    shared, own = _names(Partition(keras.Model(x, {"a": y, "b": y})))
    assert (shared, own) == (_kernels("y"), {"a": [], "b": []})


def test_a_task_built_on_the_output_of_another_shares_it():
    x = keras.Input((3,))
    first = _dense("first")(x)
    model = keras.Model(x, {"a": first, "b": _dense("second")(first)})
    assert _names(Partition(model)) == (_kernels("first"), {"a": [], "b": _kernels("second")})


def test_a_nested_model_counts_as_a_whole():
    inner_x = keras.Input((3,))
    inner = keras.Model(inner_x, _dense("in2")(_dense("in1")(inner_x)), name="inner")
    x = keras.Input((3,))
    features = inner(x)
    partition = Partition(keras.Model(x, {"a": _dense("a")(features), "b": _dense("b")(features)}))
    assert [id(v) for v in partition.shared] == [id(v) for v in inner.trainable_variables]
    assert [len(variables) for variables in partition.own.values()] == [1, 1]


def test_a_nested_model_on_the_path_of_one_task_is_its_own():
    inner = keras.Sequential([_dense("in1"), _dense("in2")], name="inner")
    x = keras.Input((3,))
    partition = Partition(keras.Model(x, {"a": inner(x), "b": _dense("b")(x)}))
    assert partition.shared == []
    assert [id(v) for v in partition.own["a"]] == [id(v) for v in inner.trainable_variables]


def test_a_layer_that_two_tasks_use_at_different_places_is_shared():
    x = keras.Input((2,))
    twice = _dense("twice")
    model = keras.Model(x, {"a": twice(_dense("a")(x)), "b": twice(_dense("b")(x))})
    assert _names(Partition(model)) == (_kernels("twice"), {"a": _kernels("a"), "b": _kernels("b")})


def test_a_layer_that_one_task_uses_twice_is_own():
    x = keras.Input((2,))
    twice = _dense("twice")
    model = keras.Model(x, {"a": twice(twice(x)), "b": _dense("b")(x)})
    assert _names(Partition(model)) == ([], {"a": _kernels("twice"), "b": _kernels("b")})


def test_a_layer_off_the_path_is_nowhere():
    x = keras.Input((3,))
    trunk = _dense("trunk")(x)
    _dense("off")(trunk)
    partition = Partition(keras.Model(x, {"a": _dense("a")(trunk), "b": _dense("b")(trunk)}))
    assert _names(partition) == (_kernels("trunk"), {"a": _kernels("a"), "b": _kernels("b")})


def test_embeddings_and_several_inputs():
    user, item = keras.Input((), name="user", dtype="int32"), keras.Input((), name="item", dtype="int32")
    u = keras.layers.Embedding(5, 2, name="users")(user)
    i = keras.layers.Embedding(7, 2, name="items")(item)
    both = keras.layers.Concatenate()([u, i])
    outputs = {"click": _dense("click", 1)(both), "rating": _dense("rating", 1)(both), "age": _dense("age", 1)(u)}
    model = keras.Model({"user": user, "item": item}, outputs)
    shared, own = _names(Partition(model))
    assert sorted(shared) == ["items/embeddings", "users/embeddings"]
    assert own == {"click": _kernels("click"), "rating": _kernels("rating"), "age": _kernels("age")}


def test_frozen_variables_are_left_out():
    x = keras.Input((3,))
    frozen, trunk = _dense("frozen"), _dense("trunk")
    features = keras.layers.BatchNormalization(name="norm")(trunk(frozen(x)))
    model = keras.Model(x, {"a": _dense("a")(features), "b": _dense("b")(features)})
    frozen.trainable = False
    shared, own = _names(Partition(model))
    assert shared == ["trunk/kernel", "norm/gamma", "norm/beta"]
    assert own == {"a": _kernels("a"), "b": _kernels("b")}


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_every_trainable_variable_is_in_one_place_in_the_order_of_the_model(order):
    x = keras.Input((3,))
    h = _dense("h2")(_dense("h1")(x))
    heads = {task: _dense(f"{task}2")(_dense(f"{task}1")(h)) for task in order}
    model = keras.Model(x, heads)
    partition = Partition(model)
    place = {id(v): i for i, v in enumerate(model.trainable_variables)}
    lists = [[place[id(v)] for v in variables] for variables in (partition.shared, *partition.own.values())]
    assert all(positions == sorted(positions) for positions in lists)
    assert sorted(i for positions in lists for i in positions) == list(range(6))
    assert list(partition.own) == order
