"""Checks of arguments. Each error names the argument, what was expected, what was received and what to do instead.

Each check returns a plain Python value, so NumPy scalars can be passed as numbers.
"""

import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def count(
    name: str, value: Any, at_least: int = 1, *, at_most: int | None = None, hint: str = "", where: str = ""
) -> int:
    """Returns an integer, or raises a ValueError if the value is not an integer within the bounds.

    Args:
        name: Name of the argument.
        value: The value that was passed. True and False are not integers.
        at_least: The smallest value.
        at_most: The largest value; None for no bound.
        hint: A sentence that says what to do instead.
        where: What the argument belongs to, such as "Task 'digit'"; it comes before the error.
    """
    if not _is_integer(value) or value < at_least or (at_most is not None and value > at_most):
        bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        raise ValueError(error(name, f"an integer {bounds}", value, hint, where))
    return int(value)


def counts(
    name: str, values: Any, at_least: int = 1, *, empty: bool = False, hint: str = "", where: str = ""
) -> tuple[int, ...]:
    """Returns a tuple of integers, or raises a ValueError for anything else.

    Args:
        name: Name of the argument.
        values: The value that was passed, a tuple or a list.
        at_least: The smallest value of an entry.
        empty: Whether the tuple may be empty.
        hint: A sentence that says what to do instead.
        where: What the argument belongs to, such as "Task 'digit'"; it comes before the error.
    """
    fits = isinstance(values, Sequence) and not isinstance(values, str) and (empty or len(values) > 0)
    if not fits or not all(_is_integer(value) and value >= at_least for value in values):
        raise ValueError(error(name, f"a tuple of integers of at least {at_least}", values, hint, where))
    return tuple(int(value) for value in values)


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    hint: str = "",
    where: str = "",
) -> float:
    """Returns a finite number, or raises a ValueError if the value is not a finite number within the bounds.

    An integer stays an integer. True and False are not numbers.

    Args:
        name: Name of the argument.
        value: What was passed.
        above, at_least: The lower bound, without or with the bound itself.
        below, at_most: The upper bound, without or with the bound itself.
        hint: A sentence that says what to do instead.
        where: What the argument belongs to, such as "Task 'digit'"; it comes before the error.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    bounds = [
        ("above", above, lambda bound: value > bound),
        ("at least", at_least, lambda bound: value >= bound),
        ("below", below, lambda bound: value < bound),
        ("at most", at_most, lambda bound: value <= bound),
    ]
    stated = [(word, bound, holds) for word, bound, holds in bounds if bound is not None]
    if not is_number or not all(holds(bound) for _, bound, holds in stated):
        expected = " and ".join(f"{word} {bound:g}" for word, bound, _ in stated)
        expected = f"of {expected}" if expected.startswith("at") else expected
        raise ValueError(error(name, f"a finite number {expected}".rstrip(), value, hint, where))
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def choice(name: str, value: Any, choices: Iterable[Any], *, hint: str = "", where: str = "") -> Any:
    """Returns the value, or raises a ValueError if it is not one of the choices."""
    choices = list(choices)
    value = value.item() if isinstance(value, np.generic) else value
    if not any(value is known or (type(value) is type(known) and value == known) for known in choices):
        raise ValueError(error(name, f"one of {', '.join(map(repr, choices))}", value, hint, where))
    return value


def flag(name: str, value: Any, *, hint: str = "", where: str = "") -> bool:
    """Returns True or False, or raises a ValueError for anything else, such as 1 or a string."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(error(name, "True or False", value, hint, where))
    return bool(value)


def by_task(name: str, given: Any, tasks: Iterable[str], *, complete: bool = False) -> dict[str, Any]:
    """Returns a dict by task name, or raises a ValueError for anything else and for unknown names.

    Args:
        name: Name of the argument.
        given: What was passed.
        tasks: The names of the tasks.
        complete: Whether every task must be in it.
    """
    tasks = list(tasks)
    if not isinstance(given, dict):
        raise ValueError(error(name, f"a dict by task name with keys out of {tasks}", given))
    unknown = [key for key in given if key not in tasks]
    if unknown:
        raise ValueError(f"`{name}` has unknown keys {unknown}. Expected task names out of {tasks}.")
    missing = [task for task in tasks if task not in given]
    if complete and missing:
        raise ValueError(f"`{name}` lacks the tasks {missing}. Expected the keys {tasks}.")
    return given


def settle(recipe: Any, **values: Any) -> None:
    """Stores the checked values of fields of a frozen dataclass, in its `__post_init__`.

    `settle(self, units=counts("units", self.units))` does `self.units = counts(...)`, which a frozen dataclass forbids.
    """
    for name, value in values.items():
        object.__setattr__(recipe, name, value)


def error(name: str, expected: str, value: Any, hint: str = "", where: str = "") -> str:
    """Returns the text of an error: "`name` must be `expected`. Received: name=value. `hint`"."""
    text = f"`{name}` must be {expected}. Received: {name}={describe(value)}."
    return " ".join(part for part in (where and f"{where}:", text, hint) if part)


def describe(value: Any) -> str:
    """Returns a short description of a value."""
    if hasattr(value, "shape") and getattr(value, "shape", ()) != ():
        return f"an array of shape {tuple(value.shape)}"
    shown = repr(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}..."


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
