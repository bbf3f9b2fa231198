"""Tables and columns as arrays: data frames by input, and lists of numbers padded to one length."""

from typing import Any

import numpy as np

PAD = "Bring them to one length by `keras.utils.pad_sequences(rows, padding='post')`."


def is_frame(data: Any) -> bool:
    """Whether a value is a data frame, such as one of pandas: it has columns, and can be turned into an array."""
    return hasattr(data, "columns") and hasattr(data, "to_numpy")


def columns(name: str, frame: Any) -> dict[Any, np.ndarray]:
    """Returns the columns of a data frame as arrays, or raises a ValueError if two have the same name."""
    names = list(frame.columns)
    twice = [column for i, column in enumerate(names) if column in names[:i]]
    if twice:
        raise ValueError(
            f"The columns of `{name}` must have distinct names. Received: {list(dict.fromkeys(twice))} several "
            "times. Rename them, or keep the first ones by `frame.loc[:, ~frame.columns.duplicated()]`."
        )
    return {column: frame[column].to_numpy() for column in names}


def by_input(name: str, frame: Any, shapes: dict[str, tuple[int | None, ...]]) -> dict[str, np.ndarray]:
    """Returns the columns that are inputs of a model. For a model with one input, all columns may form its rows.

    Args:
        name: Name of the frame in errors.
        frame: A data frame.
        shapes: `{input: shape}`, including the axis of rows.

    Raises:
        ValueError: If the frame lacks a column.
    """
    arrays = columns(name, frame)
    lacking = [key for key in shapes if key not in arrays]
    if lacking and len(shapes) == 1:
        ((key, shape),) = shapes.items()
        if len(shape) == 2 and shape[1] in (None, len(arrays)):
            return {key: frame.to_numpy()}
    if lacking:
        raise ValueError(
            f"`{name}` must have the columns {list(shapes)}. Received: one without {lacking}, with {list(arrays)}."
        )
    return {key: as_array(f"`{name}[{key!r}]`", arrays[key], shape) for key, shape in shapes.items()}


def as_array(name: str, column: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
    """Returns a column as an array with the axes of an input: lists are padded, and single values [B] become [B, 1].

    Args:
        name: Name of the column in errors.
        column: Values or lists [B].
        shape: Shape of the input, including the axis of rows.
    """
    if has_lists(column):
        column = padded(name, column)
    return column[:, None] if column.ndim == 1 and len(shape) == 2 and shape[1] == 1 else column


def has_lists(array: np.ndarray) -> bool:
    """Whether an array holds lists."""
    return array.dtype == object and any(isinstance(item, list | tuple | np.ndarray) for item in array.flat)


def padded(name: str, rows: Any) -> np.ndarray:
    """Returns lists as an array. Lists of integers with different lengths are padded with 0.

    Args:
        name: Name of the column in errors.
        rows: The lists.

    Raises:
        ValueError: If a row is not a list, or lists of several lengths contain anything but integers.
    """
    lists = [_array(row) for row in rows]
    wrong = [i for i, row in enumerate(lists) if row is None or row.ndim == 0 or row.dtype == object]
    if wrong:
        raise ValueError(
            f"{name} must have a list of numbers in each row. Received in row {wrong[0]}: {rows[wrong[0]]!r}. Put an "
            "empty list where a row has no numbers."
        )
    if len({row.shape for row in lists}) == 1:
        return np.stack(lists)
    filled = [row for row in lists if row.size]
    if any(row.ndim > 1 or row.dtype.kind not in "iu" for row in filled):
        raise ValueError(
            f"{name} must have lists of one length, or of integers, which can be padded with 0. Received: lists of "
            f"different lengths, of {filled[0].dtype} [{', '.join('n' * filled[0].ndim)}]. {PAD}"
        )
    full = np.zeros((len(lists), max(map(len, lists))), np.result_type(*filled))
    for i, row in enumerate(lists):
        full[i, : len(row)] = row
    return full


def _array(row):
    """Returns a list as an array; None if it cannot be turned into one."""
    try:
        return np.asarray(row) if isinstance(row, list | tuple | np.ndarray) else None
    except ValueError:  # lists of several lengths
        return None
