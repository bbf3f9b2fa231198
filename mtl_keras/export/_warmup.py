"""Requests that a server replays before it serves a version, so that the first client need not wait."""

import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._extras import need
from mtl_keras.export._conform import conform
from mtl_keras.export._signatures import Signature

FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")


def check_available() -> None:
    """Raises an ImportError that names the extra if the messages of TensorFlow Serving are not installed."""
    need("tensorflow_serving.apis.prediction_log_pb2", "serving", "`warmup`")


def model_inputs(warmup: Any, specs: dict[str, tf.TensorSpec]) -> dict[str, np.ndarray]:
    """Returns the inputs of the model for the requests, `{name: array}`.

    Args:
        warmup: True for one row of zeros and empty strings, or inputs as `predict` takes them.
        specs: `{name: tf.TensorSpec}` of the model's inputs.
    """
    if warmup is True:
        return {name: _row(spec) for name, spec in specs.items()}
    if not isinstance(warmup, dict):
        given = list(warmup) if isinstance(warmup, (list, tuple)) and len(specs) > 1 else [warmup]
        warmup = dict(zip(specs, given, strict=len(given) == len(specs)))
    if set(warmup) != set(specs):
        raise ValueError(f"`warmup` must be True, or have the inputs {list(specs)}. Received: {list(warmup)}.")
    for name, spec in specs.items():
        shape = np.shape(warmup[name])
        if not spec.shape.is_compatible_with(shape) or not shape[0]:
            raise ValueError(
                f"`warmup` must have input {name!r} in the shape {tuple(spec.shape)}, with at least one row. "
                f"Received shape: {shape}."
            )
    return {name: conform(f"warmup[{name!r}]", warmup[name], spec) for name, spec in specs.items()}


def write(
    folder: str | os.PathLike, name: str, signatures: dict[str, Signature], inputs: dict[str, np.ndarray]
) -> None:
    """Writes a request for every signature into the folder of a version.

    Args:
        folder: Folder of the version.
        name: Name of the model in the requests.
        signatures: `{name: Signature}`.
        inputs: The model's inputs, `{name: array}`.
    """
    logs = need("tensorflow_serving.apis.prediction_log_pb2", "serving", "`warmup`")
    file = pathlib.Path(folder) / FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for signature_name, signature in signatures.items():
            log = logs.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = name
            request.model_spec.signature_name = signature_name
            for key, value in signature.request(inputs).items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value, dtype=signature.inputs[key].dtype))
            writer.write(log.SerializeToString())


def _row(spec):
    shape = [size or 1 for size in spec.shape]
    return np.full(shape, b"", object) if spec.dtype == tf.string else np.zeros(shape, spec.dtype.as_numpy_dtype)
