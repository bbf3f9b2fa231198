"""The runs of a comparison, and their order."""

import dataclasses
import functools
import inspect
import re
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from mtl_keras.callbacks._directions import mean_gain
from mtl_keras.study._queue import Key, Queue
from mtl_keras.study._run import Rule, fresh
from mtl_keras.study.spaces import is_space, values_of

TUNE, FINAL = "tune", "final"
_TUNING_SEED = 1_000_000  # added to the first seed, so no final run has the same seed


@dataclasses.dataclass
class Plan:
    """The checked arguments of a comparison.

    Attributes:
        build: Function that returns a compiled model.
        candidates: `{name: {parameter of build: value or space}}`, including the baseline.
        tune: `{parameter of build: space}` of every candidate.
        baseline: Name of the candidate that the others are compared with.
        trials: Number of tuning trials of every candidate.
        seeds: Seeds of the final runs.
        rule: How every run is trained.
        estimators: `{name: {task: scikit-learn estimator}}`.
        models: Folder for the models of the final runs, or None.
        equal_seconds: Whether all train for the time of the baseline's final runs, not for the same number of epochs.
        data: Fingerprint of the data.
        transfer: Whether each tower of the baseline is tested with linear heads for the other tasks.
        subsets: Whether candidates may have only some of the baseline's tasks.
    """

    build: Callable
    candidates: dict[str, dict[str, Any]]
    tune: dict[str, Any]
    baseline: str
    trials: int
    seeds: list[int]
    rule: Rule
    estimators: dict[str, dict[str, Any]]
    models: str | None = None
    equal_seconds: bool = False
    data: str = ""
    transfer: bool = False
    subsets: bool = False

    def spaces(self, candidate: str) -> dict[str, Any]:
        """Returns `{parameter: space}` of the tuned parameters of a candidate; empty without trials."""
        given = self.candidates[candidate]
        own = {name: value for name, value in given.items() if is_space(value)}
        return {**{name: space for name, space in self.tune.items() if name not in given}, **own}

    def drawn(self, candidate: str, trial: int) -> dict[str, Any]:
        """Returns the numbers for a tuning trial: the defaults of `build` first, then a Latin hypercube.

        A parameter gets the same numbers for every candidate.
        """
        defaults = {p.name: p.default for p in inspect.signature(self.build).parameters.values()}
        numbers: dict[str, Any] = {}
        for name, space in self.spaces(candidate).items():
            default = space.default(name, defaults.get(name)) if trial == 0 else None
            at = {key: _stratified(key, self.seeds[0], self.trials)[trial] for key in space.distributions(name)}
            numbers |= default or space.draw(name, at)
        return numbers

    def parameters(self, candidate: str, drawn: dict[str, Any]) -> dict[str, Any]:
        """Returns the parameters for `build`."""
        fixed = {name: fresh(value) for name, value in self.candidates[candidate].items() if not is_space(value)}
        return {**fixed, **values_of(self.spaces(candidate), drawn)}

    def make(self, candidate: str, drawn: dict[str, Any]) -> Any:
        """Returns what `build` returns."""
        return self.build(**self.parameters(candidate, drawn))

    def num_trials(self, candidate: str) -> int:
        """Returns how many tuning trials a candidate has."""
        return self.trials if self.spaces(candidate) else 0

    def seed(self, key: Key) -> int:
        """Returns the seed of a run; all tuning trials have the same one."""
        return self.seeds[0] + _TUNING_SEED if key[1] == TUNE else key[2]

    def keys(self) -> list[Key]:
        """Returns all runs, in order: the baseline first, tuning before the final runs."""
        names = [self.baseline, *(name for name in self.candidates if name != self.baseline)]
        keys: list[Key] = []
        for name in names:
            keys += [(name, TUNE, i) for i in range(self.num_trials(name))]
            keys += [(name, FINAL, seed) for seed in self.seeds]
        return keys + [(name, FINAL, seed) for name in self.estimators for seed in self.seeds]

    def ready(self, runs: dict[Key, dict[str, Any]]) -> list[Key]:
        """Returns the runs that can be made now, given the completed runs; all others depend on one of them."""
        of_baseline = [key for key in self.keys() if key[0] == self.baseline]
        done_baseline = all(key in runs for key in of_baseline)
        found = []
        for key in self.keys():
            tuned = all(
                (key[0], TUNE, i) in runs for i in range(self.num_trials(key[0]) if key[0] in self.candidates else 0)
            )
            if (key[0] == self.baseline or done_baseline) and (key[1] == TUNE or tuned):
                found.append(key)
        return found

    def reference(self, runs: dict[Key, dict[str, Any]]) -> dict[str, float]:
        """Returns `{task: figure}`, the baseline's means over its final runs on `valid`; 1 in place of 0.

        Raises:
            RuntimeError: If all of these runs failed.
        """
        final = [runs[key] for key in runs if key[:2] == (self.baseline, FINAL)]
        good = [first_figures(run["valid"]) for run in final if "error" not in run]
        if not good:
            raise RuntimeError(f"All runs of the baseline {self.baseline!r} failed: {final[0]['error']}")
        means = {task: float(np.mean([figures[task] for figures in good])) for task in good[0]}
        return {task: mean or 1.0 for task, mean in means.items()}  # a gain cannot be relative to 0

    def best(self, candidate: str, runs: dict[Key, dict[str, Any]]) -> int:
        """Returns the number of a candidate's best tuning trial on `valid`; 0 if no trial has figures."""
        good = {key[2]: first_figures(run["valid"]) for key, run in runs.items() if _tuned(key, candidate, run)}
        if not good:
            return 0
        start = {task: figure or 1.0 for task, figure in good[min(good)].items()}
        if candidate != self.baseline:
            start = self.reference(runs)
        return max(sorted(good), key=lambda number: mean_gain(good[number], start, self.rule.signs))

    def rule_of(self, key: Key, runs: dict[Key, dict[str, Any]]) -> Rule:
        """Returns how a run is trained: candidates choose their best epoch by the gain over the baseline."""
        if key[0] == self.baseline:
            return self.rule
        seconds = None
        if self.equal_seconds:
            final = [run for key, run in runs.items() if key[:2] == (self.baseline, FINAL) and "error" not in run]
            seconds = float(np.mean([run["training_seconds"] for run in final]))
        return dataclasses.replace(self.rule, reference=self.reference(runs), seconds=seconds)

    def queue(self, storage: Any, name: str) -> Queue:
        """Returns the queue in a storage."""
        return Queue(storage, name)

    def describe(self) -> dict[str, Any]:
        """Returns the settings that must not change when a comparison is resumed."""
        return {
            "baseline": self.baseline,
            "tune": {name: printed(space) for name, space in self.tune.items()},
            "trials": self.trials,
            "epochs": self.rule.epochs,
            "patience": self.rule.patience,
            "equal_seconds": self.equal_seconds,
            "first_seed": self.seeds[0],
            "resamples": self.rule.resamples,
            "transfer": self.transfer,
            "signs": self.rule.signs,
        }

    def about(self, metrics: dict[str, list[str]]) -> dict[str, Any]:
        """Returns the description of the comparison in the storage.

        Args:
            metrics: `{task: names of its metrics}`.
        """
        return {
            "kind": "comparison",
            "settings": self.describe(),
            "metrics": metrics,
            "candidates": {
                name: {p: printed(value) for p, value in parameters.items()}
                for name, parameters in self.candidates.items()
            },
            "estimators": {name: printed(estimators) for name, estimators in self.estimators.items()},
            "seeds": self.seeds,
            "trials": {name: self.num_trials(name) for name in self.candidates},
            "data": self.data,
        }


def first_figures(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Returns `{task: figure of its first metric}`."""
    return {task: next(iter(of_task.values())) for task, of_task in figures.items()}


def printed(value: Any) -> str:
    """Returns a text for a value; it is the same in every process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _tuned(key, candidate, run):
    return key[:2] == (candidate, TUNE) and "error" not in run


@functools.lru_cache(maxsize=1024)
def _stratified(name: str, seed: int, trials: int) -> tuple[float, ...]:
    """Returns numbers in [0, 1), one in each stratum except the first, which stands for the default."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    count = max(1, trials - 1)
    return (float(rng.uniform()), *((rng.permutation(count) + rng.uniform(size=count)) / count).tolist())
