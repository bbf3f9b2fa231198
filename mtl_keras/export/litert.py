"""Exports a model for LiteRT, on phones and small devices."""

import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from mtl_keras._arguments import choice
from mtl_keras.export._files import Refusal, write_model

QUANTIZE = (None, "dynamic", "float16")


def litert(
    model: keras.Model, path: str | os.PathLike, tasks: Sequence[str] | None = None, quantize: str | None = None
) -> pathlib.Path:
    """Writes a LiteRT (TensorFlow Lite) file whose signature has the model's names, for any batch size.

    A thin layer over `keras.Model.export(format="litert")`. Call the signature `serving_default`: it knows inputs and
    outputs by name, which the file's tensors do not. The file is opened, and run on a row of zeros, before it gets its
    name: what the runtime refuses is an error. It looks up strings, but neither integers nor words of a text.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by name.
        path: File, ending in `.tflite`; one that is there is replaced.
        tasks: List of the names of the tasks to export; all by default. Layers of others stay out.
        quantize: `"dynamic"` stores large weights in 8 bits, and `"float16"` all in 16; None keeps them as they are.

    Returns:
        The `pathlib.Path` of the file.

    Raises:
        ValueError: If `model` has no named outputs, a task is unknown, `path` ends otherwise, `quantize` is unknown, or
            the model has operations that LiteRT does not have.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())])
    mtl.export.litert(model, "digits.tflite", quantize="float16")
    from ai_edge_litert.interpreter import Interpreter  # from the extra `litert`

    run = Interpreter("digits.tflite").get_signature_runner("serving_default")
    run(inputs=np.zeros((3, 8, 8), "float32"))["odd"].shape  # (3, 1)
    ```
    """
    quantize = choice("quantize", quantize, QUANTIZE)
    options: dict[str, Any] = {} if quantize is None else {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if quantize == "float16":
        options["target_spec"] = {"supported_types": [tf.float16]}

    def write(part, file):
        part.export(file, format="litert", verbose=False, **options)

    return write_model(model, path, tasks, ".tflite", write, "LiteRT", _open)


def _open(file):
    """Returns a function that runs a file, by LiteRT, or where that is not installed, by TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        Interpreter = tf.lite.Interpreter

    def run(row):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TensorFlow's own is on its way out
                runner = Interpreter(str(file)).get_signature_runner("serving_default")
                return runner(**{name: row[name] for name in runner.get_input_details()})
        except RuntimeError as error:
            if "Select TensorFlow op" not in str(error):
                raise
            way_out = "A program with the Flex delegate can read what `keras.Model.export` writes."
            raise Refusal("LiteRT", str(error), way_out) from error

    return run
