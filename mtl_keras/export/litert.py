"""Exports a model to LiteRT, for phones and small devices."""

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

    A thin layer over `keras.Model.export(format="litert")`. Call the signature `serving_default`: it has the names of
    the inputs and outputs, which the tensors of the file do not have. Before the file gets its name, it is opened and
    run on a row of zeros, so that what the runtime cannot run is an error. LiteRT can look up strings, but not integers
    or the words of a text.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by name.
        path: File, ending in `.tflite`. An existing file is replaced.
        tasks: List of the names of the tasks to export; all by default. Layers of other tasks are left out.
        quantize: `"dynamic"` stores large weights in 8 bits, and `"float16"` all weights in 16; None does not change
            them.

    Returns:
        The `pathlib.Path` of the file.

    Raises:
        ValueError: If `model` has no named outputs, a task is unknown, `path` has another ending, `quantize` is
            unknown, or the model has operations that LiteRT does not have.

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
    """Returns a function that runs a file with LiteRT, or with TensorFlow if LiteRT is not installed."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        Interpreter = tf.lite.Interpreter

    def run(row):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # TensorFlow's own interpreter is deprecated
                runner = Interpreter(str(file)).get_signature_runner("serving_default")
                return runner(**{name: row[name] for name in runner.get_input_details()})
        except RuntimeError as error:
            if "Select TensorFlow op" not in str(error):
                raise
            way_out = "A program with the Flex delegate can run the file that `keras.Model.export` writes."
            raise Refusal("LiteRT", str(error), way_out) from error

    return run
