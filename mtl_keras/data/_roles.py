"""The roles of a table's columns: inputs, labels and weights."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from mtl_keras._arguments import by_task, error


@dataclasses.dataclass(frozen=True)
class Roles:
    """Columns of a table by role: their names, or another value for each column.

    Args:
        x: The one input, or `{input: column}`.
        y: `{task: column}`; empty without labels.
        sample_weight: None, the column of all tasks, or `{task: column}`.
    """

    x: Any
    y: dict[str, Any]
    sample_weight: Any = None

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are used, each once."""
        return list(dict.fromkeys(name for name in tf.nest.flatten([self.x, self.y, self.sample_weight]) if name))

    def map(self, function: Callable[[str, str], Any]) -> "Roles":
        """Returns the same with `function(column, role)` instead of each column; roles are attribute names."""
        return Roles(
            *(
                tf.nest.map_structure(lambda name, role=role: name and function(name, role), getattr(self, role))
                for role in ("x", "y", "sample_weight")
            )
        )


def assign(x: Any, y: Any, sample_weight: Any, columns: Iterable[str], where: str) -> Roles:
    """Returns the roles of a table's columns, or raises a ValueError that names the column and the table.

    Args:
        x: A name, a list of names, `{input: column}`, or None: all columns without another role.
        y: A name, a list of names, `{task: column}`, or None for no labels.
        sample_weight: A column for all tasks, `{task: column}`, or None.
        columns: Names of the table's columns.
        where: Name of the table in errors.
    """
    columns = list(columns)
    y = {} if y is None else _named("y", [y] if isinstance(y, str) else y)
    if isinstance(sample_weight, dict):
        by_task("sample_weight", sample_weight, y, complete=True)
    elif sample_weight is not None and not (isinstance(sample_weight, str) and y):
        raise ValueError(error("sample_weight", "a column or {task: column} if `y` is given, or None", sample_weight))
    taken = {*y.values(), *tf.nest.flatten(sample_weight)}
    if x is None:
        x = {column: column for column in columns if column not in taken}
    elif not isinstance(x, str):
        x = _named("x", x)
    if not x:
        raise ValueError(error("x", "a column or several", x))
    roles = Roles(x, y, sample_weight)
    for role in ("x", "y", "sample_weight"):
        for name in filter(None, tf.nest.flatten(getattr(roles, role))):
            if name not in columns:
                raise ValueError(f"`{role}` must name columns of {where}, which are {columns}. Received: {name!r}.")
            if columns.count(name) > 1:
                raise ValueError(f"The columns of {where} must have distinct names. Received: {name!r} several times.")
    return roles


def _named(role, given):
    """Returns `{name: column}` for a list or dict."""
    named = dict(given) if isinstance(given, dict) else {}
    if isinstance(given, list | tuple):
        named = {name: name for name in given}
        if len(named) < len(given):
            raise ValueError(error(role, "distinct names of columns", given))
    strings = all(isinstance(name, str) for pair in named.items() for name in pair)
    if not isinstance(given, dict | list | tuple) or not strings or (role == "y" and not named):
        kind = "input" if role == "x" else "task"
        raise ValueError(error(role, f"a column, a list of columns, or {{{kind}: column}}", given))
    return named
