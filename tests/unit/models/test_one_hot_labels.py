"""One-hot labels, class weights of every kind of label, and losses that average themselves."""

import keras
import numpy as np
import pytest
from keras import ops

import mtl_keras as mtl
from mtl_keras import heads

ONE_HOT = {
    "smoothed": lambda: keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    "focal": keras.losses.CategoricalFocalCrossentropy,
    "name": lambda: "categorical_crossentropy",
}


def build(head, loss=None, class_weight=None, **arguments):
    keras.utils.set_random_seed(0)
    shape = {heads.Segmentation: (2, 2, 2), heads.Tagging: (3, 2)}.get(type(head), (2,))
    task = mtl.Task("task", head, loss=loss, class_weight=class_weight)
    model = mtl.build_model(shape, [task], tower=keras.Sequential([keras.layers.Dense(3)]))
    model.compile(keras.optimizers.SGD(0.1), **arguments)
    return model


def inputs(model, rows=3, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, *model.input_shape[1:])).astype("float32")


@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 1.0], "float32")])
@pytest.mark.parametrize(
    ("head", "loss"),
    [
        (heads.Multiclass(3), "smoothed"),
        (heads.Multiclass(3), "focal"),
        (heads.Tagging(3), "name"),
        (heads.Tagging(3, predict="probabilities"), "smoothed"),
        (heads.Segmentation(3), "focal"),
    ],
)
def test_the_default_metric_follows_the_loss(head, loss, weights):
    """With as many rows as classes, where shapes alone could mislead."""
    model = build(head, ONE_HOT[loss]())
    x, places = inputs(model), model.output["task"].shape[1:-1]
    labels = np.random.default_rng(1).integers(0, 3, (3, *places))
    given = None if weights is None else {"task": weights}
    found = model.evaluate(x, {"task": np.eye(3)[labels]}, sample_weight=given, return_dict=True, verbose=0)
    p = model.predict(x, verbose=0)["task"]
    decided = p.argmax(axis=-1) if p.ndim > labels.ndim else p
    there = np.ones(3, bool) if weights is None else weights > 0
    assert found["task_accuracy"] == pytest.approx((decided == labels)[there].mean())


@pytest.mark.parametrize("loss", ONE_HOT)
def test_class_weights_of_one_hot_labels_are_those_of_class_numbers(loss):
    weights = {0: 3.0, 2: 0.5}
    x, labels = np.random.default_rng(0).normal(size=(3, 2)).astype("float32"), np.array([0, 2, 1])
    model = build(heads.Multiclass(3), ONE_HOT[loss](), weights)
    found = model.train_on_batch(x, {"task": np.eye(3)[labels]}, return_dict=True)["task_loss"]
    by_row = build(heads.Multiclass(3), ONE_HOT[loss]())
    factors = np.array([3.0, 0.5, 1.0], "float32")
    expected = by_row.train_on_batch(x, {"task": np.eye(3)[labels]}, sample_weight={"task": factors}, return_dict=True)[
        "task_loss"
    ]
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("head", "labels", "of_class"),
    [
        (heads.Multiclass(3), np.array([0, 2, 1]), True),
        (heads.Multiclass(3), np.array([[0], [2], [1]]), True),
        (heads.Binary(), np.array([1, 0, 1]), True),
        (heads.Binary(), np.array([[1.0], [0.0], [1.0]]), True),
        (heads.Ordinal(3), np.array([0, 2, 1]), True),
        (heads.Tagging(3), np.array([[0, 1, 2], [2, 2, 0], [1, 0, 0]]), True),
        (heads.Segmentation(3), np.array([[[0, 1], [2, 2]], [[0, 0], [1, 1]], [[2, 1], [1, 0]]]), True),
        (heads.Multilabel(3), np.array([[0, 1, 1], [1, 0, 0], [1, 1, 1]], "float32"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_class_weights_are_weights_of_the_labels(head, labels, of_class):
    """The step with class weights is the step with those weights of the labels, and a test is without them."""
    table = np.array([3.0, 0.5, 1.0], "float32")[: head.num_classes]
    x = inputs(build(head))
    model, by_label = build(head, class_weight=dict(enumerate(table))), build(head)
    weights = table[labels.astype(int)] if of_class else np.broadcast_to(table, labels.shape)
    given = {"task": np.ascontiguousarray(weights)}
    first = model.train_on_batch(x, {"task": labels}, return_dict=True)
    second = by_label.train_on_batch(x, {"task": labels}, sample_weight=given, return_dict=True)
    assert first["task_loss"] == pytest.approx(second["task_loss"], rel=1e-6)
    for v, w in zip(model.get_weights(), by_label.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-5, atol=1e-7)
    tested = [m.test_on_batch(x, {"task": labels}, return_dict=True) for m in (model, by_label)]
    assert tested[0] == pytest.approx(tested[1], rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "labels", "advice"),
    [
        ("categorical_crossentropy", np.array([0, 1, 2]), "to_categorical"),
        (keras.losses.CategoricalFocalCrossentropy(), np.array([[0], [1], [2]]), "to_categorical"),
        (None, np.eye(3), "argmax"),
        ("sparse_categorical_crossentropy", np.eye(3), "argmax"),
    ],
)
def test_the_other_kind_of_labels_is_an_error_that_names_the_task(loss, labels, advice):
    model = build(heads.Multiclass(3), loss)
    with pytest.raises(ValueError, match=rf"`y\['task'\]` must be (?s:.)*{advice}"):
        model.fit(inputs(model), {"task": labels}, verbose=0)


AVERAGING = {
    "function": lambda y, p: ops.mean(ops.square(y - p)),
    "sum": lambda y, p: ops.sum(ops.abs(y - p)),
    "dice": keras.losses.Dice(),
}


@pytest.mark.parametrize("loss", AVERAGING)
@pytest.mark.parametrize("weighting", [None, "pcgrad"])
def test_a_loss_that_averages_itself_is_an_error(loss, weighting):
    tasks = [mtl.Task("a", heads.Regression(), loss=AVERAGING[loss]), mtl.Task("b", heads.Regression())]
    model = mtl.build_model((2,), tasks, tower=keras.Sequential([keras.layers.Dense(3)]))
    model.compile("sgd", weighting=weighting)
    before = model.get_weights()
    with pytest.raises(ValueError, match="task 'a' averages over the batch itself"):
        model.fit(np.ones((4, 2)), {"a": np.ones(4), "b": np.ones(4)}, verbose=0)
    for v, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(v, old)


def test_a_metric_that_averages_itself_is_an_error_where_labels_can_be_missing():
    model = build(heads.Regression(), metrics={"task": [AVERAGING["function"]]})
    y, weights = {"task": np.ones(4)}, {"task": np.array([1.0, 0.0, 1.0, 1.0])}
    with pytest.raises(ValueError, match="averages over the batch itself"):
        model.evaluate(np.ones((4, 2)), y, sample_weight=weights, verbose=0)


@pytest.mark.parametrize("loss", [lambda y, p: ops.abs(y - p), lambda y, p: ops.mean(ops.abs(y - p), axis=-1)])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_a_lambda_as_a_loss(loss, shape):
    """Labels [B] meet an output [B, 1] as [B, 1], not as all pairs."""
    model = build(heads.Regression(), loss)
    x, y = inputs(model, 4), np.arange(4.0).reshape(shape)
    expected = abs(model.predict(x, verbose=0)["task"][:, 0] - np.arange(4.0)).mean()
    assert model.evaluate(x, {"task": y}, verbose=0, return_dict=True)["task_loss"] == pytest.approx(expected, rel=1e-5)
