"""Spaces to tune: ranges and choices for the parameters of `build`."""

import dataclasses
import math
from typing import Any

from mtl_keras._arguments import error, flag, number, settle
from mtl_keras._extras import need


def _distributions() -> Any:
    return need("optuna", "study", "`mtl_keras.study`").distributions


@dataclasses.dataclass(frozen=True)
class Float:
    """A range of numbers.

    Args:
        low, high: The bounds.
        log: Whether to draw uniformly on a logarithmic scale, for example for learning rates.

    Raises:
        ValueError: If the bounds are not in order, or `low` is not above 0 with `log=True`.

    Example:

    ```python
    tune = {"rate": mtl.study.Float(1e-4, 1e-2, log=True)}
    ```
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        log = flag("log", self.log)
        low = float(number("low", self.low, above=0)) if log else float(number("low", self.low))
        settle(self, log=log, low=low, high=float(number("high", self.high, above=low)))

    def distributions(self, name: str) -> dict[str, Any]:
        """Returns `{name of the number: Optuna distribution}` of the numbers to draw."""
        return {name: _distributions().FloatDistribution(self.low, self.high, log=self.log)}

    def draw(self, name: str, at: dict[str, float]) -> dict[str, Any]:
        """Turns uniform numbers in [0, 1) into the drawn numbers, `{name of the number: number}`."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = low + at[name] * (high - low)
        return {name: min(max(math.exp(value) if self.log else value, self.low), self.high)}

    def default(self, name: str, value: Any) -> dict[str, Any] | None:
        """Returns the drawn numbers for a default of `build`; None if it is out of range."""
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return {name: float(value)} if is_number and self.low <= value <= self.high else None

    def value(self, name: str, drawn: dict[str, Any]) -> Any:
        """Returns the value for `build`."""
        return drawn[name]


@dataclasses.dataclass(frozen=True)
class Int:
    """A range of integers.

    Args:
        low, high: The bounds, both included.
        log: Whether to draw uniformly on a logarithmic scale, for example for widths.

    Raises:
        ValueError: If the bounds are not integers in order, or `low` is not above 0 with `log=True`.

    Example:

    ```python
    tune = {"width": mtl.study.Int(16, 256, log=True)}
    ```
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self):
        log = flag("log", self.log)
        for name, value in (("low", self.low), ("high", self.high)):
            if number(name, value) != int(value) or isinstance(value, float):
                raise ValueError(error(name, "an integer", value))
        low = int(number("low", self.low, above=0)) if log else int(self.low)
        settle(self, log=log, low=low, high=int(number("high", self.high, above=low)))

    def distributions(self, name: str) -> dict[str, Any]:
        """As in `Float`."""
        return {name: _distributions().IntDistribution(self.low, self.high, log=self.log)}

    def draw(self, name: str, at: dict[str, float]) -> dict[str, Any]:
        """As in `Float`."""
        low, high = (math.log(self.low), math.log(self.high + 1)) if self.log else (self.low, self.high + 1)
        value = low + at[name] * (high - low)
        return {name: min(max(int(math.exp(value) if self.log else math.floor(value)), self.low), self.high)}

    def default(self, name: str, value: Any) -> dict[str, Any] | None:
        """As in `Float`."""
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        return {name: value} if is_integer and self.low <= value <= self.high else None

    def value(self, name: str, drawn: dict[str, Any]) -> Any:
        """As in `Float`."""
        return drawn[name]


@dataclasses.dataclass(frozen=True)
class Choice:
    """A choice of several values.

    Args:
        options: The values: strings, numbers, or any objects, such as recipes of `mtl_keras.sharing`.

    Raises:
        ValueError: If there are fewer than two, or two have the same text.

    Example:

    ```python
    tune = {"sharing": mtl.study.Choice(["hard", mtl.sharing.MMoE(num_experts=4)])}
    ```
    """

    options: Any

    def __post_init__(self):
        options = self.options
        if not isinstance(options, (list, tuple)) or len({_label(option) for option in options}) < len(options):
            raise ValueError(error("options", "a list of values whose printed texts differ", options))
        if len(options) < 2:
            raise ValueError(error("options", "a list of at least two values", options))
        settle(self, options=tuple(options))

    def distributions(self, name: str) -> dict[str, Any]:
        """As in `Float`."""
        return {name: _distributions().CategoricalDistribution([_label(option) for option in self.options])}

    def draw(self, name: str, at: dict[str, float]) -> dict[str, Any]:
        """As in `Float`."""
        return {name: _label(self.options[int(at[name] * len(self.options))])}

    def default(self, name: str, value: Any) -> dict[str, Any] | None:
        """As in `Float`."""
        return {name: _label(value)} if _label(value) in [_label(option) for option in self.options] else None

    def value(self, name: str, drawn: dict[str, Any]) -> Any:
        """As in `Float`."""
        return next(option for option in self.options if _label(option) == drawn[name])


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the tasks' losses, above 0 and with mean 1, from a uniform (flat Dirichlet) distribution.

    `build` gets `{task: weight}`, for `compile(loss_weights=...)`. In the first trial all are 1: the plain sum.

    Args:
        tasks: List of the names of the tasks.

    Raises:
        ValueError: If there are fewer than two names.

    Example:

    ```python
    candidates = {"sum": {}, "tuned sum": {"loss_weights": mtl.study.LossWeights(["digit", "odd"])}}
    ```
    """

    tasks: Any

    def __post_init__(self):
        names = self.tasks
        if not isinstance(names, (list, tuple)) or len(set(names)) < 2 or not all(isinstance(n, str) for n in names):
            raise ValueError(error("tasks", "a list of at least two names of tasks", names))
        settle(self, tasks=tuple(names))

    def distributions(self, name: str) -> dict[str, Any]:
        """As in `Float`; the numbers are uniform in (0, 1), and `value` turns them into the weights."""
        return {f"{name}.{task}": _distributions().FloatDistribution(1e-6, 1 - 1e-6) for task in self.tasks}

    def draw(self, name: str, at: dict[str, float]) -> dict[str, Any]:
        """As in `Float`."""
        return {key: min(max(at[key], 1e-6), 1 - 1e-6) for key in (f"{name}.{task}" for task in self.tasks)}

    def default(self, name: str, value: Any) -> dict[str, Any] | None:
        """As in `Float`; equal weights, whatever the default is."""
        return {f"{name}.{task}": 0.5 for task in self.tasks}

    def value(self, name: str, drawn: dict[str, Any]) -> Any:
        """As in `Float`. Exponential numbers divided by their mean are a flat Dirichlet draw."""
        parts = {task: -math.log(drawn[f"{name}.{task}"]) for task in self.tasks}
        mean = sum(parts.values()) / len(parts)
        return {task: part / mean for task, part in parts.items()}


SPACES = (Float, Int, Choice, LossWeights)


def is_space(value: Any) -> bool:
    """Returns whether a value is a range or a choice to tune."""
    return isinstance(value, SPACES)


def values_of(spaces: dict[str, Any], drawn: dict[str, Any]) -> dict[str, Any]:
    """Returns `{parameter of build: value}` from the drawn numbers of some spaces."""
    return {name: space.value(name, drawn) for name, space in spaces.items()}


def suggest(trial: Any, spaces: dict[str, Any]) -> dict[str, Any]:
    """Returns the numbers that an Optuna trial draws for spaces, `{name of the number: number}`."""
    suggested: dict[str, Any] = {}
    for name, space in spaces.items():
        for key, one in space.distributions(name).items():
            kind = type(one).__name__
            if kind == "FloatDistribution":
                suggested[key] = trial.suggest_float(key, one.low, one.high, log=one.log)
            elif kind == "IntDistribution":
                suggested[key] = trial.suggest_int(key, one.low, one.high, log=one.log)
            else:
                suggested[key] = trial.suggest_categorical(key, one.choices)
    return suggested


def _label(option):
    """Returns the text for an option in the storage, which cannot store objects."""
    return option if option is None or isinstance(option, (bool, int, float, str)) else repr(option)
