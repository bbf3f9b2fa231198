"""Task."""

import json

import keras
import pytest

import mtl_keras as mtl


def _round_trip(task):
    """Through text, as in a `.keras` file."""
    return keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(task))))


def test_defaults():
    task = mtl.Task("digit", mtl.heads.Multiclass(10))
    assert (task.loss, task.metrics, task.weight, task.class_weight) == (None, None, 1.0, None)
    assert isinstance(task.weight, float)


@pytest.mark.parametrize(
    "task",
    [
        lambda: mtl.Task("a", mtl.heads.Binary()),
        lambda: mtl.Task("9a_b.c-d", mtl.heads.Regression(3, hidden=(4, 2)), loss="mae", metrics=["mse", "mae"]),
        lambda: mtl.Task(
            "b",
            mtl.heads.Multiclass(4),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
            weight=0,
            class_weight={0: 2, 3: 0.5},
        ),
        lambda: mtl.Task("c", mtl.heads.Multilabel(2), loss=mtl.losses.ElementwiseBinaryCrossentropy(), metrics=[]),
    ],
)
def test_config_round_trip(task):
    task = task()
    copy = _round_trip(task)
    assert type(copy) is mtl.Task
    assert copy.get_config() == task.get_config()
    assert type(copy.head) is type(task.head)
    assert type(copy.loss) is type(task.loss)
    assert copy.metrics is None if task.metrics is None else len(copy.metrics) == len(task.metrics)
    assert copy.class_weight == task.class_weight


def test_round_trip_keeps_objects_and_integer_classes():
    top2 = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    copy = _round_trip(
        mtl.Task("b", mtl.heads.Multiclass(4), loss=loss, metrics=[top2, "accuracy"], weight=2, class_weight={3: 1 / 3})
    )
    assert copy.loss.from_logits is True
    assert (copy.metrics[0].k, copy.metrics[0].name, copy.metrics[1]) == (2, "top2", "accuracy")
    assert copy.class_weight == {3: 1 / 3}
    assert copy.weight == 2.0
    assert copy.head.num_classes == 4


def test_repr():
    assert repr(mtl.Task("digit", mtl.heads.Multiclass(10))) == "Task('digit', Multiclass)"


@pytest.mark.parametrize("name", ["", "_a", ".a", "a b", "a/b", "ä", "a\n", 3, None])
def test_bad_name(name):
    with pytest.raises(ValueError, match=r"`name` must consist of ASCII letters, digits.* Received: name="):
        mtl.Task(name, mtl.heads.Binary())


@pytest.mark.parametrize("head", ["binary", mtl.heads.Binary, keras.layers.Dense(1), None])
def test_bad_head(head):
    with pytest.raises(TypeError, match=r"`head` must be a mtl_keras.heads.Head, such as .*Received: head="):
        mtl.Task("a", head)


@pytest.mark.parametrize("name", ["shared", "loss", "val", "epoch", "step"])
def test_reserved_name(name):
    """Such as "shared", which `freeze` and `by_part` take for what the tasks share, and "val", whose loss is taken."""
    with pytest.raises(ValueError, match=f"`name` must not be '{name}', which stands for"):
        mtl.Task(name, mtl.heads.Binary())
    image = keras.Input((3,))
    with pytest.raises(ValueError, match=f"`name` must not be '{name}'"):
        mtl.MultiTaskModel(image, {name: keras.layers.Dense(1)(image)})


def test_names_that_the_logs_could_not_tell_apart():
    tasks = [mtl.Task(name, mtl.heads.Binary()) for name in ("odd", "val_odd")]
    with pytest.raises(ValueError, match="'val_odd' beside 'odd'"):
        mtl.build_model((3,), tasks)
    assert mtl.build_model((3,), tasks[1:]).task_names == ["val_odd"]


@pytest.mark.parametrize("weight", [-1, -0.5, float("nan"), float("inf"), True, "1", None])
def test_bad_weight(weight):
    with pytest.raises(ValueError, match=r"`weight` must be a finite number of at least 0. Received: weight="):
        mtl.Task("a", mtl.heads.Binary(), weight=weight)


@pytest.mark.parametrize("head", [mtl.heads.Regression(), mtl.heads.Detection(3)])
def test_class_weight_needs_classes(head):
    error = rf"`class_weight` needs a head whose labels are classes. Task 'a' has {type(head).__name__}.*sample weights"
    with pytest.raises(ValueError, match=error):
        mtl.Task("a", head, class_weight={0: 1.0})


@pytest.mark.parametrize("class_weight", [{4: 1.0}, {-1: 1.0}, {0: -1.0}, {0: float("nan")}])
def test_bad_class_weight(class_weight):
    error = r"Task 'a': `class_weight(\[0\])?` must be (an integer from 0 to 3|a finite number of at least 0)"
    with pytest.raises(ValueError, match=error):
        mtl.Task("a", mtl.heads.Multiclass(4), class_weight=class_weight)
