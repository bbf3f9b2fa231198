"""The states of callbacks, as plain data."""

import copy
import warnings
from typing import Any

import keras
import numpy as np

_NOT_STATE = ("params", "model", "_model", "validation_data", "async_safe")
_PLAIN = (bool, int, float, str, type(None), np.ndarray, np.generic)


def of(
    callbacks: list[keras.callbacks.Callback], at_first: list[tuple[str, Any]] | None = None
) -> list[tuple[str, Any]]:
    """Returns `[(name of the class, state)]`.

    A callback with `get_state()` and `set_state(state)` defines its state itself. For any other callback, such as
    Keras' `EarlyStopping`, the state is its attributes that have changed and are plain data: numbers, strings, None,
    arrays, lists, tuples and dicts.

    Args:
        callbacks: The callbacks.
        at_first: The result of this function for them when the run began.
    """
    states = []
    for i, one in enumerate(callbacks):
        if _has_state(one):
            state = one.get_state()
        else:
            first = at_first[i][1] if at_first else {}
            plain = {k: v for k, v in vars(one).items() if k not in _NOT_STATE and _is_plain(v)}
            state = {k: v for k, v in plain.items() if k not in first or not _same(v, first[k])}
        states.append((type(one).__name__, copy.deepcopy(state)))
    return states


def restore(callbacks: list[keras.callbacks.Callback], states: list[tuple[str, Any]]) -> None:
    """Restores the states of callbacks, in order within a class. Warns of states without a callback."""
    left = list(states)
    for callback in callbacks:
        name = type(callback).__name__
        found = next((state for state in left if state[0] == name), None)
        if found is None:
            continue
        left.remove(found)
        if _has_state(callback):
            callback.set_state(found[1])
        else:
            vars(callback).update(found[1])
    if left:
        warnings.warn(
            f"The backup has the state of callbacks that this run lacks: {[name for name, _ in left]}. If a later "
            "run has them again, they start without a state.",
            stacklevel=2,
        )


def _has_state(callback):
    return hasattr(callback, "get_state") and hasattr(callback, "set_state")


def _is_plain(value):
    if isinstance(value, dict):
        return all(isinstance(key, str | int) and _is_plain(v) for key, v in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN) and not (isinstance(value, np.ndarray) and value.dtype.hasobject)


def _same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return one == other
