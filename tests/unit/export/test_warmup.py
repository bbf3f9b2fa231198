"""Warm-up requests: those in the file are what a server can answer, one for each signature."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl

pytestmark = pytest.mark.graph

logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason="needs tensorflow-serving-api")


@pytest.fixture(scope="module")
def model():
    inputs = {"image": keras.Input((4, 4, 1), name="image"), "word": keras.Input((), name="word", dtype="string")}
    word = keras.layers.Embedding(3, 2)(keras.layers.StringLookup(vocabulary=["cat", "dog"])(inputs["word"]))
    x = keras.layers.Concatenate()([keras.layers.Flatten()(inputs["image"]), word])
    outputs = {"odd": keras.layers.Dense(1)(x), "ink": keras.layers.Dense(1)(keras.layers.Flatten()(inputs["image"]))}
    return keras.Model(inputs, outputs)


def _requests(folder):
    """Returns the requests of the file, {signature: request}."""
    records = tf.data.TFRecordDataset(str(folder / "assets.extra" / "tf_serving_warmup_requests"))
    requests = [logs.PredictionLog.FromString(r.numpy()).predict_log.request for r in records]
    assert len({request.model_spec.signature_name for request in requests}) == len(requests)
    return {request.model_spec.signature_name: request for request in requests}


def _arrays(request):
    return {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}


def _replay(folder, rows):
    loaded, requests = tf.saved_model.load(folder), _requests(folder)
    assert set(requests) == set(loaded.signatures)
    outputs = {}
    for name, request in requests.items():
        assert request.model_spec.name == folder.parent.name
        answer = loaded.signatures[name](**{key: tf.constant(x) for key, x in _arrays(request).items()})
        assert all(len(y) == rows for y in answer.values())
        outputs[name] = answer
    return outputs


def test_synthetic_requests_for_every_signature(model, tmp_path):
    folder = mtl.export.saved_model(model, tmp_path, signatures=("tasks", "bytes", "examples"), warmup=True)
    _replay(folder, rows=1)
    np.testing.assert_array_equal(_arrays(_requests(folder)["ink"])["image"], np.zeros((1, 4, 4, 1)))
    assert set(_arrays(_requests(folder)["serving_bytes"])) == {"image_bytes", "word"}


def test_given_requests(model, tmp_path):
    x = {"image": np.full((2, 4, 4, 1), 7.0), "word": np.array(["cat", "bird"])}
    folder = mtl.export.saved_model(model, tmp_path, signatures=("tasks", "bytes", "examples"), warmup=x)
    outputs = _replay(folder, rows=2)
    expected = model.predict({"image": x["image"], "word": tf.constant(x["word"])}, verbose=0)
    for signature in ("serving_default", "serving_bytes", "serving_examples", "ink"):
        np.testing.assert_allclose(outputs[signature]["ink"], expected["ink"], atol=1e-6)


def test_none_by_default(model, tmp_path):
    folder = mtl.export.saved_model(model, tmp_path, signatures=())
    assert [f.name for f in (folder / "assets.extra").iterdir()] == ["tasks.json"]


@pytest.mark.parametrize(
    ("warmup", "message"),
    [
        ({"image": np.zeros((1, 4, 4, 1))}, r"`warmup` must be True, or have the inputs \['image', 'word'\]. Received"),
        (
            {"image": np.zeros((1, 4, 5, 1)), "word": ["a"]},
            r"input 'image' in the shape .*Received shape: \(1, 4, 5, 1",
        ),
        ({"image": np.zeros((0, 4, 4, 1)), "word": []}, r"with at least one row"),
    ],
)
def test_bad_requests(model, tmp_path, warmup, message):
    with pytest.raises(ValueError, match=message):
        mtl.export.saved_model(model, tmp_path / "models", warmup=warmup)
    assert not (tmp_path / "models").exists()
