"""A label that a head does not take is an error after the first batch, or the epoch in which it came."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import heads
from tests.helpers.marks import first_fast

CASES = {  # name: (the head, labels of which two are wrong, the range)
    "Multiclass": (heads.Multiclass(3), np.array([0, 3, -1, 2]), "from 0 to 2"),
    "Binary": (heads.Binary(), np.array([0.0, 2.0, np.nan, 1.0]), "from 0 to 1"),
    "Multilabel": (heads.Multilabel(2), np.array([[0, 1], [2, 1], [0, 1], [1, -1]]), "from 0 to 1"),
    "Ordinal": (heads.Ordinal(4), np.array([[3], [4], [0], [-2]]), "from 0 to 3"),
    "Count": (heads.Count(), np.array([0.0, -1.0, 7.0, -0.5]), "from 0 to inf"),
    "Tagging": (heads.Tagging(3), np.array([[0, 1], [2, 3], [9, 0], [0, 0]]), "from 0 to 2"),
    "Tagging_crf": (heads.Tagging(3, "crf"), np.array([[0, 1], [2, 3], [9, 0], [0, 0]]), "from 0 to 2"),
    "Segmentation": (heads.Segmentation(2), np.array([[[0, 2]], [[0, 1]], [[5, 1]], [[0, 0]]], "uint8"), "from 0 to 1"),
}


def build(head, **arguments):
    shape = {heads.Segmentation: (1, 2, 2), heads.Tagging: (2, 2)}.get(type(head), (2,))
    model = mtl.build_model(shape, [mtl.Task("task", head)], tower=keras.Sequential([keras.layers.Dense(3)]))
    model.compile("sgd", metrics=[], **arguments)
    return model, np.ones((4, *shape), "float32")


@pytest.mark.parametrize("method", first_fast(["train_on_batch", "evaluate", "fit", "test_on_batch"], 2))
@pytest.mark.parametrize("name", CASES)
def test_a_label_out_of_range(name, method):
    head, labels, limits = CASES[name]
    model, x = build(head)
    more = {} if "batch" in method else {"verbose": 0}
    with pytest.raises(
        ValueError, match=rf"`y\['task'\]` must hold labels {limits}. Received: 2 outside of that.*weight 0"
    ):
        getattr(model, method)(x, {"task": labels}, **more)
    low, high = head.label_range
    good = np.where((labels >= low) & (labels <= high), labels, low)
    getattr(model, method)(x, {"task": good}, **more)  # what was wrong is forgotten


@pytest.mark.parametrize("name", CASES)
def test_the_same_with_weight_0(name):
    head, labels, _ = CASES[name]
    model, x = build(head)
    inside = (labels >= 0) & (labels <= head.label_range[1])
    weights = inside.astype("float32") if labels.shape[1:] not in ((1,), ()) else inside.reshape(4).astype("float32")
    results = model.evaluate(x, {"task": labels}, sample_weight={"task": weights}, return_dict=True, verbose=0)
    assert np.isfinite(list(results.values())).all()


@pytest.mark.graph
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_in_a_graph_from_a_dataset(jit_compile):
    model, x = build(heads.Multiclass(3), jit_compile=jit_compile)
    good, bad = {"task": np.array([0, 1, 2, 0])}, {"task": np.array([0, 1, 2, 7])}
    datasets = [
        tf.data.Dataset.from_tensor_slices((np.tile(x, (2, 1)), {"task": np.tile(y["task"], 2)})).batch(4)
        for y in (good, bad)
    ]
    mixed = datasets[0].concatenate(datasets[1])  # the third batch is the first that is wrong
    error = r"must hold labels from 0 to 2. Received: 2 outside"
    model.fit(datasets[0], epochs=2, verbose=0)
    with pytest.raises(ValueError, match=error):
        model.fit(mixed, epochs=3, verbose=0)
    assert model.history.epoch == []
    with pytest.raises(ValueError, match=error):
        model.fit(datasets[0], validation_data=mixed, verbose=0)
    with pytest.raises(ValueError, match=error):  # not forgotten over the validation
        model.fit(mixed, validation_data=datasets[0], verbose=0)
    model.fit(datasets[0], verbose=0)


def test_another_loss_takes_other_labels():
    model, x = build(heads.Binary(), loss={"task": "hinge"})
    model.fit(x, {"task": np.array([-1.0, 1.0, -1.0, 1.0])}, verbose=0)


@pytest.mark.parametrize(
    ("loss", "head", "labels"),
    [
        ("binary_focal_crossentropy", heads.Binary(), [0, 1, -1, 1]),
        (mtl.losses.PairwiseAUC(), heads.Binary(), [0, 1, -1, 1]),
        ("sparse_categorical_crossentropy", heads.Multiclass(3), [0, 1, -1, 2]),
    ],
)
def test_other_losses_of_the_same_labels(loss, head, labels):
    model, x = build(head, loss={"task": loss})
    with pytest.raises(ValueError, match=r"must hold labels .* Received: 1 outside"):
        model.train_on_batch(x, {"task": np.array(labels)})


REAL = [heads.Regression(), heads.Gaussian(), heads.Quantiles((0.1, 0.9)), heads.Regression(2)]
NOT_FINITE = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("head", REAL, ids=lambda head: type(head).__name__)
@pytest.mark.parametrize("bad", first_fast(NOT_FINITE, 2))
def test_numbers_that_are_not_finite(head, bad):
    """An error at the first batch, which leaves no trace of them; with weight 0 they are missing."""
    model, x = build(head)
    labels = np.ones((4, getattr(head, "units", 1)))
    labels[1, -1] = bad
    for method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
        with pytest.raises(ValueError, match=r"`y\['task'\]` must hold finite numbers. Received: 1 .*weight 0"):
            getattr(model, method)(x, {"task": labels})
    assert all(np.isfinite(v).all() for v in model.get_weights())
    weights = {"task": np.array([1.0, 0.0, 1.0, 1.0])}
    model.reset_metrics()
    expected = model.test_on_batch(x[1:], {"task": labels[[0, 2, 3]]})
    model.reset_metrics()
    np.testing.assert_allclose(model.test_on_batch(x, {"task": labels}, sample_weight=weights), expected, rtol=1e-6)
    model.train_on_batch(x, {"task": labels}, sample_weight=weights)
    assert all(np.isfinite(v).all() for v in model.get_weights())


@pytest.mark.parametrize("bad", first_fast([-1.0, *NOT_FINITE], 2))
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("method", first_fast(["fit", "test_on_batch", "evaluate", "train_on_batch"], 2))
def test_weights_that_there_cannot_be(bad, shape, method):
    model, x = build(heads.Regression())
    weights = np.ones(shape)
    weights[2] = bad
    with pytest.raises(ValueError, match=r"`sample_weight\['task'\]` must hold finite numbers of at least 0.*1 others"):
        getattr(model, method)(x, {"task": np.ones(4)}, sample_weight={"task": weights})
    assert all(np.isfinite(v).all() for v in model.get_weights())


def test_labels_of_padding_may_be_anything():
    """Of what a Keras mask leaves out nothing is asked."""
    ids = keras.Input((None,), dtype="int32")
    tower = keras.Sequential([keras.layers.Embedding(5, 3, mask_zero=True)])
    model = mtl.build_model(ids, [mtl.Task("task", heads.Tagging(3))], tower=tower)
    model.compile("sgd")
    model.fit(np.array([[1, 2, 0], [3, 0, 0]]), {"task": np.array([[1, 2, -1], [0, -1, -1]])}, verbose=0)
    with pytest.raises(ValueError, match="Received: 1 outside"):
        model.fit(np.array([[1, 2, 0]]), {"task": np.array([[1, -1, -1]])}, verbose=0)
