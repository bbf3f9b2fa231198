"""Runs an export, without a Keras model."""

import os
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import choice
from mtl_keras._frames import by_input, is_frame
from mtl_keras._types import Tensors
from mtl_keras.export import _description
from mtl_keras.export._conform import conform
from mtl_keras.export._contents import tasks_of
from mtl_keras.export._images import decode_image, is_image, to_pixels
from mtl_keras.export._versions import read_version


class Served:
    """A loaded export. It needs tensorflow, but no classes of Keras or of this package.

    Attributes:
        path: `pathlib.Path` of the version's folder.
        tasks: `{task: its description in tasks.json}`: `shape`, `head`, `config`, `labels`, if known.
        signatures: `{signature: {"inputs": {name: tf.TensorSpec}, "outputs": {name: tf.TensorSpec}}}`.
        description: The description of the export in `tasks.json`: `versions`, `metrics`.
    """

    def __init__(self, path: str | os.PathLike):
        self.path, (self._loaded, self.description) = read_version(
            path, lambda folder: (tf.saved_model.load(str(folder)), _description.read(folder))
        )
        self.signatures = {
            name: {"inputs": function.structured_input_signature[1], "outputs": function.structured_outputs}
            for name, function in self._loaded.signatures.items()
        }
        self.tasks = tasks_of(self.description, self.signatures)

    def predict(self, inputs: Tensors, task: str | None = None, signature: str | None = None) -> Any:
        """Computes outputs on NumPy arrays.

        Args:
            inputs: Dict of arrays by the inputs' names, or an array for a signature with one input; or a data frame
                whose columns are the inputs, or the features of the only input. Integers become floats if the signature
                takes floats; floats do not become integers.
            task: Name of the only task to compute; all by default.
            signature: Name of a signature to call, instead of `task`.

        Returns:
            An array for a `task`; else `{name of the output: array}`. Strings are `str`.

        Raises:
            ValueError: If the task, the signature or an input does not exist, or an input has another shape or values
                that a cast to its dtype would change, such as pixels in [0, 1] for uint8.
        """
        name = signature or (task if task in self.signatures else "serving_default")
        choice("signature", name, self.signatures)
        if task is not None and task not in self.signatures[name]["outputs"]:
            choice("task", task, [known for known in self.tasks if known in self.signatures[name]["outputs"]])
        outputs = self._loaded.signatures[name](**self._tensors(inputs, self.signatures[name]["inputs"]))
        arrays = {key: _array(value) for key, value in outputs.items()}
        return arrays if task is None else arrays[task]

    def check_signatures(self, names: Iterable[str]) -> None:
        """Raises a ValueError unless the export has these signatures and no others."""
        if set(self.signatures) != set(names):
            raise ValueError(
                f"The export must have the signatures {sorted(names)}. Received: {sorted(self.signatures)}."
            )

    def read_image(self, file: str | os.PathLike, signature: str = "serving_default") -> dict[str, np.ndarray]:
        """Returns the inputs of a signature from an image file: pixels in [0, 255], in the right size."""
        specs = self.signatures[signature]["inputs"]
        name, spec = next(iter(specs.items()))
        if len(specs) != 1 or not is_image(spec):
            raise ValueError(
                f"{file}: the signature {signature!r} takes no image. Pass its inputs {list(specs)} as .npz."
            )
        try:
            image = decode_image(pathlib.Path(file).read_bytes(), spec.shape[1:])
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(f"{file} is not an image that TensorFlow can decode: PNG, JPEG, GIF or BMP.") from error
        return {name: to_pixels(image[None], spec.dtype).numpy()}

    def _tensors(self, inputs, specs):
        if is_frame(inputs):
            inputs = by_input("inputs", inputs, {name: tuple(spec.shape) for name, spec in specs.items()})
        if not isinstance(inputs, dict):
            if len(specs) != 1:
                raise ValueError(f"`inputs` must be a dict by the names {list(specs)}. Received: {type(inputs)}.")
            inputs = {next(iter(specs)): inputs}
        missing = [name for name in specs if name not in inputs]
        if missing:
            raise ValueError(f"`inputs` lacks {missing}. Expected the names {list(specs)}. Received: {list(inputs)}.")
        return {
            name: tf.constant(conform(f"inputs[{name!r}]", inputs[name], spec), spec.dtype)
            for name, spec in specs.items()
        }


def _array(tensor):
    array = tensor.numpy()
    return np.char.decode(array.astype("S"), "utf-8") if tensor.dtype == tf.string else array
