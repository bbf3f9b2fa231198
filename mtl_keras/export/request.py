"""Calls a server that uses the protocol of TensorFlow Serving."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._extras import need
from mtl_keras.export._channel import OPTIONS


def request(
    channel: Any,
    model: str,
    inputs: dict[str, Any],
    signature: str = "serving_default",
    outputs: Sequence[str] = (),
    timeout: float = 60.0,
) -> dict[str, np.ndarray]:
    """Asks a server for predictions by the gRPC protocol of TensorFlow Serving.

    Needs `pip install "mtl_keras[serving]"`.

    Args:
        channel: Address of the server, such as `"localhost:8500"`; or a `grpc.Channel`, to use one connection for many
            calls.
        model: Name of the model.
        inputs: `{name of an input of the signature: array}`, in the dtype of the input.
        signature: Name of the signature: `"serving_default"`, a task's name, `"labels"`, ...
        outputs: Names of the outputs to return; None for all.
        timeout: Seconds after which the call fails.

    Returns:
        `{name of an output: array}`.

    Raises:
        ImportError: If the extra is not installed.
        grpc.RpcError: If the server cannot be reached, or rejects the request.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())])
    mtl.export.saved_model(model, "saved_models/digits", signatures=("tasks",))
    with mtl.export.serve({"digits": "saved_models/digits"}) as address:
        image = np.zeros((1, 8, 8), "float32")
        sorted(mtl.export.request(address, "digits", {"inputs": image}))  # ['ink', 'odd']
        list(mtl.export.request(address, "digits", {"inputs": image}, "odd"))  # ['odd']
    ```
    """
    grpc = need("grpc", "serving", "`request`")
    apis = need("tensorflow_serving.apis.prediction_service_pb2_grpc", "serving", "`request`")
    connection = contextlib.nullcontext(channel)
    if isinstance(channel, str):
        connection = grpc.insecure_channel(channel, options=OPTIONS)
    with connection as open_channel:
        stub = apis.PredictionServiceStub(open_channel)
        response = stub.Predict(predict_request(model, inputs, signature, outputs), timeout=timeout)
    return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}


def predict_request(model: str, inputs: dict[str, Any], signature: str, outputs: Sequence[str] = ()) -> Any:
    """Returns the message of a request."""
    message = need("tensorflow_serving.apis.predict_pb2", "serving", "`request`").PredictRequest(output_filter=outputs)
    message.model_spec.name, message.model_spec.signature_name = model, signature
    for name, array in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return message
