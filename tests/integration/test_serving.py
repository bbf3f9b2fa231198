"""An export over the network: the protocol of TensorFlow Serving, good requests, bad ones and many at once."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.export._channel import OPTIONS
from mtl_keras.export.request import predict_request
from tests.helpers import server

grpc = pytest.importorskip("grpc", reason="needs grpcio")
apis = pytest.importorskip("tensorflow_serving.apis", reason="needs tensorflow-serving-api")
from tensorflow_serving.apis import (  # noqa: E402
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)

pytestmark = pytest.mark.graph

LABELS = {"digit": ["zero", "one", "two"], "odd": ["even", "odd"]}


@pytest.fixture(scope="module")
def model():
    tasks = [
        mtl.Task("digit", mtl.heads.Multiclass(3)),
        mtl.Task("odd", mtl.heads.Binary()),
        mtl.Task("ink", mtl.heads.Regression()),
    ]
    return mtl.build_model(
        keras.Input((5, 5, 1), name="image"), tasks, tower="mlp", preprocess=keras.layers.Rescaling(1 / 255)
    )


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "digits"
    mtl.export.saved_model(model, path, 3, signatures=("tasks", "bytes", "examples"), labels=LABELS, warmup=_x(2))
    return path


@pytest.fixture(scope="module", params=["stand_in", "real"])
def channel(request, path):
    serve = mtl.export.serve({"digits": path}) if request.param == "stand_in" else server.real(path, "digits")
    with serve as address, grpc.insecure_channel(address, options=OPTIONS) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def _x(rows):
    return np.random.default_rng(rows).integers(0, 256, (rows, 5, 5, 1)).astype("float32")


def _png(image):
    return tf.io.encode_png(image.astype("uint8")).numpy()


def _is_alive(channel, model):
    x = _x(2)
    answer = mtl.export.request(channel, "digits", {"image": x})
    np.testing.assert_allclose(answer["digit"], model.predict(x, verbose=0)["digit"], atol=1e-6)


@pytest.mark.parametrize("rows", [1, 7])
def test_every_signature(channel, model, rows):
    x = _x(rows)
    expected = model.predict(x, verbose=0)
    answers = {task: mtl.export.request(channel, "digits", {"image": x}, task) for task in expected}
    answers["serving_default"] = mtl.export.request(channel, "digits", {"image": x})
    answers["serving_bytes"] = mtl.export.request(
        channel, "digits", {"image_bytes": list(map(_png, x))}, "serving_bytes"
    )
    for answer in answers.values():
        for task in set(answer) & set(expected):
            np.testing.assert_allclose(answer[task], expected[task], atol=1e-6)
    assert set(answers["serving_default"]) == set(answers["serving_bytes"]) == set(expected)
    labels = mtl.export.request(channel, "digits", {"image": x}, "labels")
    np.testing.assert_array_equal(
        labels["digit_label"], np.array(LABELS["digit"], "S")[expected["digit"].argmax(axis=1)]
    )


def test_some_outputs(channel, model):
    answer = mtl.export.request(channel, "digits", {"image": _x(3)}, outputs=["odd"])
    assert list(answer) == ["odd"]
    np.testing.assert_allclose(answer["odd"], model.predict(_x(3), verbose=0)["odd"], atol=1e-6)


def test_warm_up_requests_are_answered(stub, path):
    file = path / "3" / "assets.extra" / "tf_serving_warmup_requests"
    signatures = set()
    for record in tf.data.TFRecordDataset(str(file)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        response = stub.Predict(request, timeout=60)
        signatures.add(request.model_spec.signature_name)
        assert all(proto.tensor_shape.dim[0].size == 2 for proto in response.outputs.values())
    assert signatures == {
        *("serving_default", "digit", "odd", "ink", "labels"),
        *("serving_bytes", "serving_examples"),
    }


def test_metadata(stub):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "digits"
    found = get_model_metadata_pb2.SignatureDefMap()
    stub.GetModelMetadata(request, timeout=60).metadata["signature_def"].Unpack(found)
    digit = found.signature_def["digit"]
    assert digit.method_name == "tensorflow/serving/predict"
    assert set(digit.inputs) == {"image"}
    assert [dim.size for dim in digit.inputs["image"].tensor_shape.dim] == [-1, 5, 5, 1]
    assert set(digit.outputs) == {"digit", "digit_label", "digit_score"}


def test_status(channel):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "digits"
    response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=60)
    (status,) = response.model_version_status
    assert (status.version, status.state) == (3, get_model_status_pb2.ModelVersionStatus.AVAILABLE)


X, IMAGE = np.zeros((1, 5, 5, 1), "float32"), _png(np.zeros((5, 5, 1)))
BAD = {
    "dtype": ({"image": X.astype("int32")}, "serving_default"),
    "float64": ({"image": X.astype("float64")}, "serving_default"),
    "strings": ({"image": [b"0"]}, "serving_default"),
    "shape": ({"image": X[:, :4]}, "serving_default"),
    "rank": ({"image": X[0]}, "serving_default"),
    "missing input": ({}, "digit"),
    "surplus input": ({"image": X, "more": X}, "digit"),
    "other name": ({"inputs": X}, "digit"),
    "unknown signature": ({"image": X}, "digits"),
    "no bytes": ({"image_bytes": [b""]}, "serving_bytes"),
    "half a PNG": ({"image_bytes": [IMAGE[: len(IMAGE) // 2]]}, "serving_bytes"),
    "one bad PNG of two": ({"image_bytes": [IMAGE, IMAGE[:20]]}, "serving_bytes"),
    "pixels as bytes": ({"image_bytes": X}, "serving_bytes"),
    "no example": ({"examples": [b"\x93\xff no example"]}, "serving_examples"),
    "an empty example": ({"examples": [b""]}, "serving_examples"),
}
REFUSALS = {"INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND", "INTERNAL", "RESOURCE_EXHAUSTED", "UNKNOWN"}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_request_gets_an_error_status(channel, model, what):
    with pytest.raises(grpc.RpcError) as refusal:
        mtl.export.request(channel, "digits", *BAD[what])
    assert refusal.value.code().name in REFUSALS
    _is_alive(channel, model)


def test_an_unknown_model_or_version(stub):
    for name, version in (("digit", 0), ("digits", 99)):
        request = predict_request(name, {"image": X}, "serving_default")
        request.model_spec.version.value = version
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Predict(request, timeout=60)
        assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


def test_an_empty_batch_gets_an_empty_answer(channel):
    for inputs, signature in (({"image": X[:0]}, "labels"), ({"image_bytes": np.array([], "S1")}, "serving_bytes")):
        answer = mtl.export.request(channel, "digits", inputs, signature)
        assert {len(array) for array in answer.values()} == {0}


@pytest.mark.slow
def test_a_string_of_100_megabytes(channel, model):
    with pytest.raises(grpc.RpcError) as refusal:
        mtl.export.request(channel, "digits", {"image_bytes": [bytes(100_000_000)]}, "serving_bytes")
    assert refusal.value.code().name in REFUSALS
    _is_alive(channel, model)


@pytest.mark.slow
def test_random_bytes_in_every_field(channel, model):
    """Requests that are noise, that are damaged, and whose tensors are not what they say."""
    rng = np.random.default_rng(0)
    method = "/tensorflow.serving.PredictionService/Predict"
    raw = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
    good = predict_request("digits", {"image": X}, "digit").SerializeToString()
    answers = {"OK": 0}
    for turn in range(300):
        if turn % 3 == 0:
            message = rng.bytes(rng.integers(1, 200))
        elif turn % 3 == 1:
            damaged = np.frombuffer(good, "uint8").copy()
            damaged[rng.integers(0, len(damaged), 3)] = rng.integers(0, 256, 3)
            message = damaged.tobytes()
        else:
            request = predict_pb2.PredictRequest.FromString(good)
            tensor = request.inputs["image"]
            tensor.dtype = int(rng.choice([1, 2, 3, 7, 9, 14, 20, 21]))
            for dim in tensor.tensor_shape.dim:
                dim.size = int(rng.choice([-1, 0, 1, 5, 2**20, 2**40]))
            tensor.tensor_content = rng.bytes(rng.integers(0, 200))
            message = request.SerializeToString()
        try:
            raw(message, timeout=60)
            answers["OK"] += 1
        except grpc.RpcError as error:
            answers[error.code().name] = answers.get(error.code().name, 0) + 1
    assert set(answers) <= REFUSALS | {"OK"}, answers
    assert sum(answers.values()) == 300
    assert answers["OK"] < 150  # what was damaged in its numbers alone is a request like any other
    _is_alive(channel, model)


@pytest.mark.slow
def test_eight_clients_at_once_get_their_own_answers(channel, model):
    signatures = ["serving_default", "digit", "odd", "ink"]
    inputs = [_x(rows) for rows in range(1, 9)]
    expected = [model.predict(x, verbose=0) for x in inputs]
    wrong, count = [], []

    def client(number):
        for turn in range(50):
            k = (number + turn) % len(inputs)
            signature = signatures[(number * turn) % len(signatures)]
            answer = mtl.export.request(channel, "digits", {"image": inputs[k]}, signature)
            for task in set(answer) & set(expected[k]):
                if not np.allclose(answer[task], expected[k][task], atol=1e-6):
                    wrong.append((number, turn, task))
            count.append(1)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(count) == 400
