"""The signatures of a model for a server: functions of tensors by name."""

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from mtl_keras._types import Tensor
from mtl_keras.export._images import decode_image, is_image, to_pixels
from mtl_keras.export._plain import plain

LOW_PRECISION = ("float16", "bfloat16")


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function that a server calls.

    Attributes:
        inputs: `{name: tf.TensorSpec}`.
        call: Function of `{name: tensor}` that returns `{name: tensor}`.
        request: Function that turns the inputs of the model, `{name: array}`, into these inputs.
    """

    inputs: dict[str, tf.TensorSpec]
    call: Callable[[dict[str, Tensor]], dict[str, Tensor]]
    request: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


def of_tasks(model: keras.Model, tasks: Sequence[str]) -> Signature:
    """Returns the signature of some tasks. It takes only the inputs that they need, and computes nothing else.

    If the model has float16 or bfloat16, clients send and get float32: JSON and NumPy have no bfloat16.
    """
    part = plain(model, tasks)
    inputs = {
        x.name: tf.TensorSpec((None, *x.shape[1:]), "float32" if x.dtype in LOW_PRECISION else x.dtype, name=x.name)
        for x in part.inputs
    }

    def call(given):
        outputs = part([tf.cast(given[x.name], x.dtype) for x in part.inputs], training=False)
        return {task: tf.cast(y, "float32") if y.dtype.name in LOW_PRECISION else y for task, y in outputs.items()}

    return Signature(inputs, call, lambda x: {name: x[name] for name in inputs})


def with_outputs(signature: Signature, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> Signature:
    """Returns a signature with a function of `{name: tensor}` applied to its outputs."""
    return dataclasses.replace(signature, call=lambda given: change(signature.call(given)))


def from_bytes(signature: Signature, preprocess: Callable[[Tensor], Tensor] | None = None) -> Signature:
    """Returns a signature that takes encoded images: PNG, JPEG, GIF or BMP.

    Args:
        signature: Signature with exactly one image input, [B, H, W] or [B, H, W, C] with C of 1, 3 or 4.
        preprocess: Function of the decoded images, floats from 0 to 255 in the input's shape, or None.
    """
    name = _image(signature.inputs)
    spec = signature.inputs[name]
    shape = spec.shape[1:]

    def call(given):
        images = tf.map_fn(
            lambda encoded: decode_image(encoded, shape),
            given[f"{name}_bytes"],
            fn_output_signature=tf.TensorSpec(shape, "float32"),
        )
        images = images if preprocess is None else preprocess(images)
        rest = {other: x for other, x in given.items() if other != f"{name}_bytes"}
        return signature.call({**rest, name: to_pixels(images, spec.dtype)})

    def request(x):
        pixels = np.clip(np.asarray(x[name], "float32"), 0, 255).astype("uint8")
        pixels = pixels if len(shape) == 3 else pixels[..., None]
        encoded = np.array([tf.io.encode_png(image).numpy() for image in pixels], dtype=object)
        return {f"{name}_bytes": encoded, **{other: x[other] for other in signature.inputs if other != name}}

    rest = {other: s for other, s in signature.inputs.items() if other != name}
    return Signature({f"{name}_bytes": tf.TensorSpec((None,), tf.string, name=f"{name}_bytes"), **rest}, call, request)


def from_examples(signature: Signature) -> Signature:
    """Returns a signature that takes serialized `tf.train.Example`s with one feature per input, under its name.

    Floats are a `float_list`, integers and booleans an `int64_list`, strings a `bytes_list`.
    """
    for name, spec in signature.inputs.items():
        if not spec.shape[1:].is_fully_defined():
            raise ValueError(
                f"`signatures` can have 'examples' only for inputs of fixed size. Received: input {name!r} of shape "
                f"{tuple(spec.shape)}."
            )
    features = {name: tf.io.FixedLenFeature(s.shape[1:], _wire(s.dtype)) for name, s in signature.inputs.items()}

    def call(given):
        parsed = tf.io.parse_example(given["examples"], features)
        return signature.call({name: tf.cast(parsed[name], s.dtype) for name, s in signature.inputs.items()})

    def request(x):
        rows = range(len(next(iter(x.values()))))
        examples = [{name: np.ravel(x[name][row]) for name in features} for row in rows]
        return {"examples": np.array([_example(example) for example in examples], dtype=object)}

    return Signature({"examples": tf.TensorSpec((None,), tf.string, name="examples")}, call, request)


def _image(inputs):
    """Returns the name of the only input that is an image."""
    found = [name for name, spec in inputs.items() if is_image(spec)]
    if len(found) != 1:
        shapes = {name: tuple(spec.shape) for name, spec in inputs.items()}
        raise ValueError(
            "`signatures` can have 'bytes' only for a model with exactly one image input, [B, H, W] or [B, H, W, C] "
            f"with C of 1, 3 or 4. Received: inputs of shapes {shapes}."
        )
    return found[0]


def _wire(dtype):
    return tf.string if dtype == tf.string else tf.float32 if dtype.is_floating else tf.int64


def _example(values):
    """Returns the bytes of an example from `{name: array [n]}`."""
    features = {}
    for name, x in values.items():
        if x.dtype.kind in "OSU":
            texts = [text if isinstance(text, bytes) else str(text).encode() for text in x]
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))
        elif x.dtype.kind == "f":
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=x))
        else:
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=x.astype("int64")))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
