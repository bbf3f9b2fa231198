"""The trials of a search, and how their parameters are drawn."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from mtl_keras.study._plan import printed
from mtl_keras.study._queue import Queue
from mtl_keras.study._run import Rule
from mtl_keras.study._storage import optuna
from mtl_keras.study.spaces import suggest, values_of

OBJECTIVES = ("mean_gain", "pareto")


@dataclasses.dataclass
class Searching:
    """The checked arguments of a search.

    Args:
        build: Function of parameters; without a space, function of an Optuna trial.
        space: `{parameter: space}`, or None.
        rule: How to train.
        objective: One of `OBJECTIVES`.
        trials: Number of trials.
        seed: Seed of every run, and of the sampler.
        sampler, pruner: Optuna's sampler and pruner, or None.
    """

    build: Callable
    space: dict[str, Any] | None
    rule: Rule
    objective: str
    trials: int
    seed: int
    sampler: Any = None
    pruner: Any = None

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions of a trial's values."""
        if self.objective == "mean_gain":
            return ("maximize",)
        return tuple("maximize" if sign > 0 else "minimize" for sign in self.rule.signs.values())

    def queue(self, storage: Any, name: str) -> Queue:
        """Returns the study in the storage."""
        samplers = optuna().samplers
        several = self.objective == "pareto"
        sampler = self.sampler or samplers.TPESampler(seed=None if storage else self.seed, multivariate=False)
        pruner = self.pruner or optuna().pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1)
        options = {"sampler": sampler} if several else {"sampler": sampler, "pruner": pruner}
        return Queue(storage, name, self.directions, **options)

    def make(self, trial: Any) -> Any:
        """Returns what `build` returns for a trial."""
        if self.space is None:
            return self.build(trial)
        return self.build(**values_of(self.space, suggest(trial, self.space)))

    def first_trial(self) -> dict[str, Any]:
        """Returns the numbers of the first trial: the defaults of `build` that lie in the space."""
        numbers: dict[str, Any] = {}
        if self.space is not None:
            defaults = {p.name: p.default for p in inspect.signature(self.build).parameters.values()}
            for name, space in self.space.items():
                numbers |= space.default(name, defaults.get(name)) or {}
        return numbers

    def describe(self) -> dict[str, Any]:
        """Returns the settings that must not change when a search is resumed."""
        return {
            "objective": self.objective,
            "space": None if self.space is None else {name: printed(space) for name, space in self.space.items()},
            "epochs": self.rule.epochs,
            "patience": self.rule.patience,
            "seed": self.seed,
            "signs": self.rule.signs,
            "baseline": self.rule.reference,
        }


class DefaultTrial:
    """A trial to check `build` with: it suggests the given numbers, otherwise the first or lowest value."""

    number = 0

    def __init__(self, params: dict[str, Any]):
        self.params = params

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> float:
        return self.params.get(name, low)

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> int:
        return self.params.get(name, low)

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self.params.get(name, choices[0])
