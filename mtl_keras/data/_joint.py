"""The common structure of the rows of several sources. If a source lacks a task, its labels are missing."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras.data._chunks import Chunk
from mtl_keras.data._mix_source import MixSource


class Joint:
    """The inputs, labels and weights of a row, the same for all sources.

    Args:
        sources: The sources.

    Attributes:
        tasks: Names of the tasks of all sources.
        is_partial: Whether a source lacks a task.
        spec: Structure of the specs of a batch. It has weights if a label can be missing or a source has weights.

    Raises:
        ValueError: If the inputs of two sources, or the labels of a task, differ in names, dtypes or shapes.
    """

    def __init__(self, sources: list[MixSource]):
        self.tasks = sorted({task for source in sources for task in source.labels})  # sorted, as `tf.nest` does
        self.is_partial = any(len(source.labels) < len(self.tasks) for source in sources)
        inputs = _agreed_inputs({source.name: _by_path(source.x) for source in sources})
        self._labels = {
            task: _agreed(f"y[{task!r}]", {s.name: s.labels[task] for s in sources if task in s.labels})
            for task in self.tasks
        }
        self._by_element = {  # tasks whose weights have the labels' shape
            task
            for task, label in self._labels.items()
            if None in label.shape or any(s.weights[task].shape.rank for s in sources if task in s.weights)
        }
        self._has_weights = self.is_partial or bool(self._by_element) or any(s.weights for s in sources)
        weights = {
            task: tf.TensorSpec(label.shape if task in self._by_element else [], tf.float32)
            for task, label in self._labels.items()
        }
        row = (tf.nest.pack_sequence_as(sources[0].x, inputs), self._labels, weights)[: 2 + self._has_weights]
        self.spec = tf.nest.map_structure(lambda part: tf.TensorSpec([None, *part.shape], part.dtype), row)

    def chunk(self, x: Any, y: dict[str, np.ndarray], weights: dict[str, np.ndarray]) -> Chunk:
        """Returns rows of a source with the labels and weights of all tasks, in the order of the spec."""
        inputs = tf.nest.flatten(x)
        num_rows = len(inputs[0])
        labels, all_weights = [], []
        for task, spec in self._labels.items():
            label = y.get(task)
            if label is None:
                label = _empty([num_rows, *(size or 1 for size in spec.shape)], spec.dtype)
                weight = np.zeros(num_rows, "float32")
            else:
                weight = np.asarray(weights.get(task, np.ones(num_rows)), "float32")
            if task in self._by_element:
                weight = np.broadcast_to(weight.reshape(weight.shape + (1,) * (label.ndim - weight.ndim)), label.shape)
            labels.append(label)
            all_weights.append(weight)
        return [*inputs, *labels, *(all_weights if self._has_weights else ())]

    def batch(self, order: np.ndarray, chunks: dict[int, list[Chunk]]) -> Any:
        """Returns a batch, padded with zeros where rows have several lengths.

        Args:
            order: The source of each row, as its number, [B].
            chunks: `{number of the source: chunks with its rows in order}`.
        """
        rows, parts = [], []
        for number, of_source in chunks.items():
            here = np.flatnonzero(order == number)
            rows += np.split(here, np.cumsum([len(chunk[0]) for chunk in of_source])[:-1])
            parts += of_source
        leaves = []
        for arrays in zip(*parts, strict=True):
            if len(arrays) == 1:
                leaves.append(arrays[0])
                continue
            shape = np.max([array.shape[1:] for array in arrays], axis=0).astype(int)
            whole = _empty([len(order), *shape], arrays[0].dtype)
            for here, array in zip(rows, arrays, strict=True):
                whole[(here, *map(slice, array.shape[1:]))] = array
            leaves.append(whole)
        return tf.nest.pack_sequence_as(self.spec, leaves)


def _empty(shape, dtype):
    if dtype in (tf.string, np.dtype(object)):
        return np.full(shape, b"", object)
    return np.zeros(shape, getattr(dtype, "as_numpy_dtype", dtype))


def _by_path(structure, prefix=""):
    """Returns `{"['image']": spec}`, in the order of `tf.nest.flatten`."""
    if isinstance(structure, dict):
        return {k: v for key in sorted(structure) for k, v in _by_path(structure[key], f"{prefix}[{key!r}]").items()}
    if isinstance(structure, tuple | list):
        return {k: v for i, inner in enumerate(structure) for k, v in _by_path(inner, f"{prefix}[{i}]").items()}
    return {prefix: structure}


def _agreed_inputs(specs):
    """Returns the common specs of the inputs of all sources.

    Args:
        specs: `{source: {path: spec}}`.
    """
    (first, known), *others = specs.items()
    for source, given in others:
        for path in [*known, *given]:
            if (path in known) != (path in given):
                has, lacks = (first, source) if path in known else (source, first)
                raise ValueError(
                    f"All sources must have the same inputs. Received: `x{path}` in {has!r}, and not in {lacks!r}. "
                    "Give them the same structure by `dataset.map`."
                )
    return [_agreed(f"x{path}", {source: given[path] for source, given in specs.items()}) for path in known]


def _agreed(name, specs):
    """Returns the common spec of a part of a row, with None for lengths that differ.

    Args:
        name: Name of the part in errors.
        specs: `{source: spec}`.
    """
    (first, agreed), *others = specs.items()
    for source, spec in others:
        if spec.dtype != agreed.dtype or not spec.shape.is_compatible_with(agreed.shape):
            raise ValueError(
                f"`{name}` must have one dtype and shape in all sources. Received: {_words(agreed)} in {first!r}, and "
                f"{_words(spec)} in {source!r}. Cast or resize it by `dataset.map`."
            )
        shape = [size if size == other else None for size, other in zip(agreed.shape, spec.shape, strict=True)]
        agreed = tf.TensorSpec(shape, agreed.dtype)
    return agreed


def _words(spec):
    return f"{spec.dtype.name} {list(spec.shape)}"
