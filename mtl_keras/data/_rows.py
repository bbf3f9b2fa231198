"""Converts labelled data from the user to batches or to arrays of rows."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import error
from mtl_keras.data.from_arrays import from_arrays
from mtl_keras.data.take import take

_WAYS = "arrays `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})`, or a `tf.data.Dataset` of such batches"


def batches_of(name: str, data: Any, batch_size: int = 256, shuffle: bool = False) -> Any:
    """Returns the batches of data, in their order.

    Args:
        name: Name of the argument.
        data: What was passed.
        batch_size, shuffle: For arrays.

    Raises:
        ValueError: If the data are neither arrays nor a dataset.
    """
    if hasattr(data, "element_spec"):
        spec = data.element_spec
        if isinstance(spec, tuple) and len(spec) in (2, 3) and isinstance(spec[1], dict):
            return data
    elif isinstance(data, tuple | list) and len(data) in (2, 3) and hasattr(data[1], "keys"):
        x, y, *weights = data
        return from_arrays(x, y, batch_size, sample_weight=weights[0] if weights else None, shuffle=shuffle)
    raise ValueError(error(name, _WAYS, data))


def rows_of(name: str, data: Any) -> tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns all rows of data as arrays: inputs, `{task: labels}` and `{task: weights}`. Missing labels have weight 0.

    Args:
        name: Name of the argument.
        data: What was passed.
    """
    batches = list(batches_of(name, data).as_numpy_iterator())
    x, y, *weights = (_joined([batch[i] for batch in batches]) for i in range(len(batches[0])))
    given = weights[0] if weights else {}
    if not isinstance(given, dict):
        given = dict.fromkeys(y, given)
    ones = {task: np.ones(len(labels), "float32") for task, labels in y.items()}
    return x, y, {task: given.get(task, ones[task]) for task in y}


def cut(rows: tuple[Any, ...], chosen: np.ndarray | None = None, batch_size: int = 256) -> list[tuple[Any, ...]]:
    """Returns rows as batches of tensors.

    Args:
        rows: What `rows_of` returned.
        chosen: Numbers of the rows, in their order; all by default.
        batch_size: Number of rows in a batch.
    """
    chosen = np.arange(len(next(iter(rows[1].values())))) if chosen is None else np.asarray(chosen)
    parts = [chosen[i : i + batch_size] for i in range(0, len(chosen), batch_size)]
    return [tf.nest.map_structure(tf.convert_to_tensor, take(tuple(rows), part)) for part in parts]


def _joined(parts):
    """Joins batches of arrays, or of structures of arrays, into one."""
    if isinstance(parts[0], dict):
        return {key: _joined([part[key] for part in parts]) for key in parts[0]}
    if isinstance(parts[0], tuple | list):
        return tuple(_joined(list(of)) for of in zip(*parts, strict=True))
    return np.concatenate(parts)
