"""What holds for every metric."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import _registry, metrics
from mtl_keras.metrics import (
    ElementwiseBinaryAccuracy,
    ElementwiseMeanAbsoluteError,
    MacroF1,
    SentenceAccuracy,
    SpanF1,
)

CASES = {  # class: Keras' own metric, that it equals without weights or with a weight a row
    ElementwiseBinaryAccuracy: keras.metrics.BinaryAccuracy,
    ElementwiseMeanAbsoluteError: keras.metrics.MeanAbsoluteError,
}
OF_TAGS = {  # name: makes a metric of classes at positions, which Keras has no like of
    "MacroF1": lambda **arguments: MacroF1(3, **arguments),
    "SentenceAccuracy": SentenceAccuracy,
    "SpanF1": lambda **arguments: SpanF1(["O", "B-x", "I-x"], **arguments),
    "SpanF1_strict": lambda **arguments: SpanF1(["O", "B-x", "I-x"], scheme="IOB2", **arguments),
}
FUNCTIONS = {"mean_average_precision", "delta_m", "joint_accuracy"}  # which have tests of their own


@pytest.fixture(params=CASES, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


def data(shape=(4, 3)):
    rng = np.random.default_rng(0)
    return (rng.uniform(size=shape) < 0.5).astype("float32"), rng.uniform(0.1, 0.9, shape).astype("float32")


def entries(cls, labels, predictions):
    """Returns the value of each entry, by Keras' metric of one entry at a time."""
    values = [CASES[cls]()([[y]], [[p]]) for y, p in zip(labels.ravel(), predictions.ravel(), strict=True)]
    return np.reshape(values, labels.shape)


def test_every_metric_has_a_case():
    own = {"mean_average_precision": "MeanAveragePrecision", "roc_auc": "ROCAUC"}  # which have tests of their own
    tried = {*CASES, *(type(make()) for make in OF_TAGS.values())}
    assert {cls.__module__.rsplit(".", 1)[-1] for cls in tried} == set(_registry.names("metrics")) - set(own)
    assert {cls.__name__ for cls in tried} == set(metrics.__all__) - set(own.values()) - FUNCTIONS


def test_has_the_name_of_the_metric_of_keras(cls):
    assert cls().name == CASES[cls]().name
    assert cls(name="own").name == "own"


@pytest.mark.parametrize("shape", [(4, 3), (4, 4), (4, 1)])
@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 2.0, 0.5]])
def test_equals_keras_without_weights_and_by_row(cls, shape, weights):
    labels, predictions = data(shape)
    ours, theirs = cls(), CASES[cls]()
    for _ in range(2):
        ours.update_state(labels, predictions, sample_weight=weights)
        theirs.update_state(labels, predictions, sample_weight=weights)
    np.testing.assert_allclose(ours.result(), theirs.result(), atol=1e-6)
    if weights:
        column = cls()(labels, predictions, sample_weight=np.array(weights)[:, None])
        np.testing.assert_allclose(column, theirs.result(), atol=1e-6)


def test_a_weight_an_entry(cls):
    labels, predictions = data()
    weights = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0.5, 0, 2]], "float32")
    expected = (entries(cls, labels, predictions) * weights).sum() / weights.sum()
    np.testing.assert_allclose(cls()(labels, predictions, sample_weight=weights), expected, rtol=1e-6)


def test_batches_count_by_their_weights(cls):
    labels, predictions = data()
    weights = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0.5, 0, 2]], "float32")
    whole, parts = cls(), cls()
    whole.update_state(labels, predictions, sample_weight=weights)
    for rows in (slice(0, 1), slice(1, 2), slice(2, 4)):
        parts.update_state(labels[rows], predictions[rows], sample_weight=weights[rows])
    np.testing.assert_allclose(parts.result(), whole.result(), rtol=1e-6)


def test_no_label_at_all_is_zero(cls):
    assert float(cls()(*data(), sample_weight=np.zeros((4, 3)))) == 0.0


def test_labels_without_the_last_axis_and_integers(cls):
    labels, predictions = data((4, 1))
    ours = cls()(labels[:, 0].astype("int32"), predictions)
    np.testing.assert_allclose(ours, cls()(labels, predictions))


def test_config_round_trip(cls):
    metric = cls(name="own")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(copy) is cls
    assert copy.get_config() == metric.get_config()


def test_saves_and_loads_in_a_model(cls, tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="sigmoid")(inputs))
    model.compile("sgd", loss="mse", metrics=[cls()], weighted_metrics=[cls(name="weighted")])
    labels, predictions = data((8, 3))
    x, weights = predictions[:, :2], np.linspace(0, 2, 8)
    model.fit(x, labels, sample_weight=weights, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    args = {"x": x, "y": labels, "sample_weight": weights, "return_dict": True, "verbose": 0}
    figures = loaded.evaluate(**args)
    assert figures == pytest.approx(model.evaluate(**args), rel=1e-6)
    values = entries(cls, labels, model.predict(x, verbose=0))
    assert figures[cls().name] == pytest.approx(values.mean(), rel=1e-5)
    assert figures["weighted"] == pytest.approx(np.average(values.mean(1), weights=weights), rel=1e-5)


@pytest.fixture(params=OF_TAGS)
def make(request):
    return OF_TAGS[request.param]


def tags(rows=6, length=5):
    """Returns labels, predictions, of which most are right, and which labels there are."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (rows, length))
    predictions = np.where(rng.uniform(size=labels.shape) < 0.8, labels, rng.integers(0, 3, labels.shape))
    return labels, predictions, np.arange(length) < rng.integers(1, length + 1, (rows, 1))


def test_tags_that_are_missing_in_three_ways(make):
    """A label of -1, a weight of 0, and a sentence that is cut."""
    labels, predictions, there = tags()
    masked, weighed, cut = make(), make(), make()
    masked.update_state(np.where(there, labels, -1), predictions)
    weighed.update_state(labels, predictions, sample_weight=there)
    for row, length in enumerate(there.sum(axis=1)):
        cut.update_state(labels[row : row + 1, :length], predictions[row : row + 1, :length])
    assert 0 < float(cut.result()) < 1
    assert float(masked.result()) == float(weighed.result()) == pytest.approx(float(cut.result()), rel=1e-6)


def test_tags_weigh_as_often_as_they_are_there(make):
    labels, predictions, _ = tags()
    weights = np.array([2, 0, 1, 1, 3, 1])
    often = make()(*(np.repeat(array, weights, axis=0) for array in (labels, predictions)))
    for shape in ((6,), (6, 1)):
        metric = make()
        metric.update_state(labels, predictions, sample_weight=weights.reshape(shape))
        assert float(metric.result()) == pytest.approx(float(often), rel=1e-6)


@pytest.mark.parametrize("jit_compile", [None, False, True], ids=["eager", "graph", "xla"])
@pytest.mark.graph
def test_tags_as_scores_in_any_mode_and_of_any_length(make, jit_compile):
    labels, predictions, there = tags()
    expected = make()(labels, predictions, sample_weight=there)
    metric = make()

    def update(y, p, w):
        metric.update_state(y, p, sample_weight=w)

    if jit_compile is not None:
        length = None if jit_compile is False else labels.shape[1]
        spec = [tf.TensorSpec((None, length, *rest)) for rest in ((), (3,), ())]
        update = tf.function(update, spec, autograph=False, jit_compile=jit_compile)
    update(*(tf.constant(array, "float32") for array in (labels, np.eye(3)[predictions], there)))
    assert float(metric.result()) == pytest.approx(float(expected), rel=1e-6)


def test_no_tag_at_all_is_zero(make):
    metric = make()
    assert float(metric.result()) == 0.0
    metric.update_state(np.full((2, 3), -1), np.ones((2, 3), int))
    assert float(metric.result()) == 0.0
    metric.update_state(np.array([[1, 2]]), np.array([[1, 2]]))
    assert float(metric.result()) == 1.0
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_config_round_trip_of_metrics_of_tags(make):
    metric = make(name="own")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(copy) is type(metric)
    assert copy.get_config() == metric.get_config()
    assert copy.name == "own"


def test_metrics_of_tags_save_and_load_in_a_model(make, tmp_path):
    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs))
    model.compile(
        "sgd", loss="sparse_categorical_crossentropy", weighted_metrics=[make(name="metric")], run_eagerly=True
    )
    labels, _, there = tags()
    x = np.random.default_rng(1).normal(size=(6, 5, 2))
    model.fit(x, labels, sample_weight=there, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    figures = loaded.evaluate(x, labels, sample_weight=there, batch_size=4, return_dict=True, verbose=0)
    expected = make()(labels, model.predict(x, verbose=0).argmax(-1), sample_weight=there)
    assert figures["metric"] == pytest.approx(float(expected), rel=1e-6)
