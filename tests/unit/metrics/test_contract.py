"""What holds for every metric."""

import keras
import numpy as np
import pytest

from mtl_keras import _registry, metrics
from mtl_keras.metrics import ElementwiseBinaryAccuracy, ElementwiseMeanAbsoluteError

CASES = {  # class: Keras' own metric, that it equals without weights or with a weight a row
    ElementwiseBinaryAccuracy: keras.metrics.BinaryAccuracy,
    ElementwiseMeanAbsoluteError: keras.metrics.MeanAbsoluteError,
}


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
    assert {cls.__module__.rsplit(".", 1)[-1] for cls in CASES} == set(_registry.names("metrics"))
    assert {cls.__name__ for cls in CASES} == set(metrics.__all__)


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
