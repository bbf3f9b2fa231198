"""Checks input data for problems that Keras reports without naming the input or the task."""

import contextlib
import numbers
import types
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

_KEPT_BY_KERAS = (tf.RaggedTensor, tf.SparseTensor)


def check_data(x: Any, y: Any, sample_weight: Any, inputs: list[Any], tasks: list[str]) -> None:
    """Raises a ValueError that names the input or the task, and says what to do.

    It finds rows of different lengths, lists, strings instead of numbers, labels that are None, data of unknown rank,
    and datasets of single examples. Generators and `PyDataset`s are not checked: see `explained`.

    Args:
        x, y, sample_weight: As `fit` takes them: arrays, or in x a `tf.data.Dataset`.
        inputs: The model's inputs, a list of Keras tensors.
        tasks: Names of the tasks.
    """
    by_name = {tensor.name: tensor for tensor in inputs}
    if isinstance(x, tf.data.Dataset):
        _check_dataset(x.element_spec, by_name, tasks)
        if int(x.cardinality()) == 0:
            raise ValueError("`x` must have at least one batch. Received: an empty dataset.")
        return
    if y is None and not (isinstance(x, dict | list | tuple | tf.Tensor | tf.RaggedTensor) or hasattr(x, "__array__")):
        return  # a generator, or an object that reads files
    for name, given in _by_name("x", x, list(by_name)).items():
        _check_array(name, given, by_name.get(_key(name), inputs[0] if len(inputs) == 1 else None))
    if y is not None and any(getattr(part, "shape", (1,))[:1] == (0,) for part in keras.tree.flatten(x)):
        raise ValueError("`x` must have at least one row. Received: arrays of 0 rows.")
    for what, given in (("y", y), ("sample_weight", sample_weight)):
        if given is None:
            continue
        for name, value in _by_name(what, given, tasks).items():
            if what == "y":
                check_label(_key(name), value)
            elif isinstance(value, list | tuple):
                raise ValueError(
                    f"`{name}` must be an array. Received: a {type(value).__name__}. Use `np.asarray(...)`."
                )


@contextlib.contextmanager
def explained(x: Any, inputs: list[Any], tasks: list[str]) -> Iterator[Any]:
    """Passes data to Keras. If Keras fails on a generator or `PyDataset`, checks its batches to explain the error.

    Args:
        x, inputs, tasks: As in `check_data`.

    Yields:
        x, or a generator that yields the same batches.
    """
    seen: list[Any] = []
    try:
        yield _watched(x, seen) if isinstance(x, types.GeneratorType) else x
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        for batch in [x[0]] if isinstance(x, keras.utils.PyDataset) else seen:
            inner, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
            check_data(inner, y, sample_weight, inputs, tasks)
        raise


def _watched(batches, seen):
    """Yields batches, and keeps the last one in a list."""
    for batch in batches:
        seen[:] = [batch]
        yield batch


def check_label(task: str, label: Any) -> None:
    """Raises a ValueError unless something is an array or tensor of numbers, of known rank; in a graph too."""
    name = f"`y[{task!r}]`"
    if label is None:
        raise ValueError(
            f"{name} must be an array. Received: None. Pass missing labels as NaN or -1, with "
            "`mtl_keras.data.from_arrays` or `mtl_keras.data.mask_missing`."
        )
    if isinstance(label, list | tuple | str | int | float):
        raise ValueError(f"{name} must be an array. Received: a {type(label).__name__}. Use `np.asarray(...)`.")
    if isinstance(label, _KEPT_BY_KERAS):
        raise ValueError(
            f"{name} must be an array. Received: a {type(label).__name__}. Pad it, such as by `to_tensor()`, and give "
            "the padding the sample weight 0."
        )
    _check_kind(name, label)
    _check_rank(name, getattr(label, "shape", ()))


def warn_of_one_class(task: str, label: Any, weight: Any = None) -> None:
    """Warns if all present integer labels of a task are the same, for three rows or more.

    Args:
        task: Name of the task.
        label: Its labels, an array.
        weight: Their weights, or None.
    """
    label = np.asarray(label)
    if label.dtype.kind not in "iub" or len(label) < 3:
        return
    if weight is not None:
        weight = np.asarray(weight)
        if weight.ndim > label.ndim or weight.shape[:1] != label.shape[:1]:
            return  # another check raises an error for this
        there = np.broadcast_to(weight.reshape(weight.shape + (1,) * (label.ndim - weight.ndim)), label.shape)
        label = label[there != 0]
    if label.size and (label == label.flat[0]).all():
        warnings.warn(
            f"`y[{task!r}]` has one class only, {label.flat[0]}: there is nothing to learn. Leave the task out, or "
            "choose the rows so that each task has all of its classes.",
            stacklevel=3,
        )


def _check_dataset(spec, inputs, tasks):
    """Raises a ValueError if the elements of a dataset are not valid."""
    parts = spec if isinstance(spec, tuple) else (spec,)
    named = {}
    for what, part, names in zip(("x", "y", "sample_weight"), parts, (list(inputs), tasks, tasks), strict=False):
        named |= _by_name(what, part, names)
    for name, one in named.items():
        what, key = name.partition("[")[0], _key(name)
        known = inputs.get(key, next(iter(inputs.values())) if len(inputs) == 1 else None) if what == "x" else None
        if isinstance(one, tf.NoneTensorSpec):
            if what == "y":
                check_label(key, None)
            continue
        if isinstance(one, tf.RaggedTensorSpec | tf.SparseTensorSpec):
            if what != "x" or not (getattr(known, "ragged", False) or getattr(known, "sparse", False)):
                kind = "ragged tensors" if isinstance(one, tf.RaggedTensorSpec) else "sparse tensors"
                raise ValueError(
                    f"`{name}` must be a dense tensor. Received: a dataset with {kind}. Pad them, such as by "
                    "`dataset.padded_batch(...)`, or by `to_tensor()` in `dataset.map`."
                )
            continue
        if not isinstance(one, tf.TensorSpec):
            continue
        _check_rank(f"`{name}`", one.shape)
        if what == "y":
            _check_kind(f"`{name}`", one)
        elif known is not None:
            _check_input(name, one, known)
        if not one.shape.rank or _is_single(one, known):
            raise ValueError(
                "`x` must be a dataset of batches. Received: a dataset of single examples, in which "
                f"`{name}` has shape {tuple(one.shape)}. Use `dataset.batch(32)`."
            )


def _is_single(spec, known):
    """Whether a tensor has the shape of one row of an input. A column [B] may be a batch: Keras makes it [B, 1]."""
    if known is None or len(known.shape) != spec.shape.rank + 1 or known.shape[-1] == 1:
        return False
    return spec.shape.is_compatible_with(known.shape[1:])


def _check_array(name, given, known):
    if isinstance(given, _KEPT_BY_KERAS):
        if not (getattr(known, "ragged", False) or getattr(known, "sparse", False)):
            raise ValueError(
                f"`{name}` must be an array. Received: a {type(given).__name__}. Pad it, such as by `to_tensor()`."
            )
    elif isinstance(given, list | tuple | str | int | float) or given is None:
        way_out = "Use `np.asarray(...)`"
        if isinstance(given, list | tuple) and any(isinstance(row, list | tuple) for row in given):
            way_out += ", or `keras.utils.pad_sequences(rows, padding='post')` if rows have different lengths"
        raise ValueError(f"`{name}` must be an array. Received: a {type(given).__name__}. {way_out}.")
    elif known is not None:
        _check_input(name, given, known)
        if known.dtype == "string" and not isinstance(given, tf.Tensor) and _holds_strings(given):
            raise ValueError(
                f"`{name}` must be a tensor, as Keras takes no strings of NumPy. Received: dtype {_dtype_name(given)}. "
                "Use `tf.constant(...)`, or `mtl_keras.data.from_arrays`."
            )


def _check_input(name, given, known):
    if known.dtype != "string" and _holds_strings(given):
        raise ValueError(
            f"`{name}` must be numbers, {known.dtype}. Received: dtype {_dtype_name(given)}. Look strings up "
            "before the model, or give the input the dtype of strings, `keras.Input(..., dtype='string')`. Bring lists "
            "in a column to one length by `keras.utils.pad_sequences`."
        )


def _check_kind(name, label):
    if _holds_strings(label):
        raise ValueError(
            f"{name} must be numbers. Received: dtype {_dtype_name(label)}. Number the classes from 0: for a column "
            "of pandas by `column.astype('category').cat.codes`, and for strings by "
            "`np.unique(labels, return_inverse=True)` or `keras.layers.StringLookup`."
        )


def _check_rank(name, shape):
    if isinstance(shape, tf.TensorShape) and shape.rank is None:
        raise ValueError(
            f"{name} must have a known number of axes. Received: data of unknown shape. Set it by the "
            "`output_signature` of the dataset, or by `tf.ensure_shape` in `dataset.map`."
        )


def _holds_strings(given):
    """Whether an array, tensor, pandas column or spec has strings, categories, or objects such as lists."""
    name = _dtype_name(given)
    if name == "object":
        return not all(isinstance(item, numbers.Number) for item in np.asarray(given).flat)
    return name in ("string", "str", "category") or name.startswith(("str", "bytes", "string"))


def _dtype_name(given):
    dtype = getattr(given, "dtype", None)
    return getattr(dtype, "name", None) or str(dtype)


def _by_name(what, given, names):
    """Returns the parts of the data by name, `{"x['ids']": part}`, in the order of the names; or the only part."""
    if isinstance(given, dict):
        return {f"{what}[{key!r}]": value for key, value in given.items()}
    if isinstance(given, list | tuple) and len(given) == len(names) > 1 and what == "x":
        return {f"{what}[{name!r}]": value for name, value in zip(names, given, strict=True)}
    if what == "x":
        alone = (
            given[0] if isinstance(given, list | tuple) and len(given) == 1 and hasattr(given[0], "shape") else given
        )
        return {what: alone}
    return {f"{what}[{names[0]!r}]": given} if len(names) == 1 and hasattr(given, "shape") else {}


def _key(name):
    return name.partition("['")[2].removesuffix("']") or name.partition("[")[2].strip("]'\"")
