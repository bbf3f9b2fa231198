"""The results of a comparison."""

import os
import statistics
import textwrap
from typing import Any

import keras

from mtl_keras.callbacks._directions import mean_gain
from mtl_keras.study import _gains, _report, _table, _verdict
from mtl_keras.study._outliers import outliers
from mtl_keras.study._plan import FINAL, TUNE, Plan, first_figures
from mtl_keras.study._queue import Key
from mtl_keras.study._run import run


class Comparison:
    """The runs of a comparison and their statistics. `mtl_keras.study.compare` and `load` return it.

    It prints as a table of the test results, mean ± standard deviation over the seeds, and the verdict. Δm is the mean
    over the tasks of the gain of the first metric, in per cent of the baseline's mean. Its 95 % interval is by
    Student's t over the seeds, paired with the baseline's. The p-values of the paired t-tests have Holm's correction
    over all candidates and tasks together: if nothing differs, 5 % of the comparisons report any difference. The
    intervals are not corrected. They include the randomness of the test rows only with `resamples=`.

    Args:
        about: The description of the comparison in the storage.
        runs: `{(candidate, "tune" or "final", number of the trial or seed): the stored run}`.
        plan: The plan, for `build_best`; None if it was read from a storage.

    Attributes:
        candidates: Names of the candidates and estimators, the baseline first.
        baseline: Name of the baseline.
        metrics: `{task: names of its metrics}`; the first one counts.
        seeds: Seeds of the final runs.
        gains: `{candidate: {task or "all tasks": Gain}}` of all candidates except the baseline, in per cent.

    Example:

    ```python
    tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Binary())]

    def build(width=2):
        model = mtl.build_model((2,), tasks, tower=mtl.towers.MLP((width,)))
        model.compile("adam")
        return model

    y = np.arange(20) % 2
    data = np.stack([y, 1 - y], axis=1), {"a": y, "b": y}
    candidates = {"narrow": {}, "wide": {"width": 8}}
    study = mtl.study.compare(build, candidates, data, data, data, baseline="narrow", seeds=1, epochs=1, verbose=False)
    study.gains["wide"]["a"].mean, study.gains["wide"]["all tasks"].low  # NaN: with one seed there is no interval
    len(study.rows())  # 2
    ```
    """

    def __init__(self, about: dict[str, Any], runs: dict[Key, dict[str, Any]], plan: Plan | None = None) -> None:
        self.about = about
        self.baseline: str = about["settings"]["baseline"]
        names = [*about["candidates"], *about["estimators"]]
        self.candidates = [self.baseline, *(name for name in names if name != self.baseline)]
        self.metrics: dict[str, list[str]] = about["metrics"]
        self.seeds: list[int] = about["seeds"]
        self._plan = plan
        self._runs = {key: r for key, r in runs.items() if key[0] in names and (key[1] == TUNE or key[2] in self.seeds)}
        self.gains = _gains.all_gains(self)

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return list(self.metrics)

    def runs(self, candidate: str, kind: str = FINAL) -> dict[int, dict[str, Any]]:
        """Returns the stored runs of a candidate: `{seed: dict}`, or of `"tune"`, `{trial: dict}`."""
        return {key[2]: stored for key, stored in sorted(self._runs.items()) if key[:2] == (candidate, kind)}

    def figures(self, candidate: str, task: str, metric: str | None = None, part: str = "test") -> dict[int, float]:
        """Returns `{seed: value}` of a metric for the final runs that did not fail.

        Args:
            candidate, task: Names.
            metric: Name of a metric of the task; the first one by default.
            part: `"test"` or `"valid"`.
        """
        metric = metric or self.metrics[task][0]
        good = {seed: stored for seed, stored in self.runs(candidate).items() if "error" not in stored}
        return {seed: s[part][task][metric] for seed, s in good.items() if metric in s[part].get(task, {})}

    def has(self, candidate: str, task: str) -> bool:
        """Returns whether a candidate has a task: always, except with `compare(subsets=True)`."""
        good = [stored for stored in self.runs(candidate).values() if "error" not in stored]
        return not good or any(task in stored["test"] for stored in good)

    def rows(self) -> list[dict[str, Any]]:
        """Returns a flat dict for each run, including failed ones: the content of `runs.csv` in `report`."""
        return [_table.row(key, stored) for key, stored in sorted(self._runs.items())]

    def flags(self) -> dict[tuple[str, int], list[str]]:
        """Returns `{(candidate, seed): sentences}` of the final runs that look unusual or are outliers."""
        found = outliers({c: {t: self.figures(c, t) for t in self.tasks} for c in self.candidates})
        for candidate in self.candidates:
            for seed, stored in self.runs(candidate).items():
                if stored.get("flags"):
                    found.setdefault((candidate, seed), []).extend(stored["flags"])
        return found

    def verdicts(self) -> dict[str, dict[str, str]]:
        """Returns `{task or "all tasks": {candidate: "gains", "loses" or "cannot be told apart"}}`."""
        return {
            task: {name: gain.told or "cannot be told apart" for name, gain in self._gains_in(task).items()}
            for task in [_gains.ALL, *self.tasks]
        }

    def verdict(self) -> str:
        """Returns the verdict in words: for all tasks together, and for each task."""
        lines = []
        many = sum(len(self._gains_in(task)) for task in [_gains.ALL, *self.tasks])
        for task in [_gains.ALL, *self.tasks]:
            gains = self._gains_in(task)
            if not gains:
                continue
            title = f"{task}, Δm" if task == _gains.ALL else f"{task}, {self.metrics[task][0]}"
            texts = _verdict.sentences(gains, self.baseline, many)
            lines += [title, *(textwrap.fill(t, 118, initial_indent="  ", subsequent_indent="    ") for t in texts)]
        return "\n".join(lines)

    @property
    def best(self) -> str:
        """Name of the candidate with the highest mean gain on `valid`. The test data are not used to choose."""
        figures = {task: self.figures(self.baseline, task, part="valid").values() for task in self.tasks}
        base = {task: statistics.fmean(of) or 1.0 for task, of in figures.items()}
        scores = {}
        for name in self.about["candidates"]:
            figures = {task: self.figures(name, task, part="valid").values() for task in self.tasks}
            if all(figures.values()):
                means = {task: statistics.fmean(values) for task, values in figures.items()}
                scores[name] = mean_gain(means, base, self.about["settings"]["signs"])
        return max(scores, key=lambda name: scores[name])

    def build_best(self) -> Any:
        """Returns the trained model of the best candidate, with the seed of the best results on `valid`.

        Raises:
            ValueError: As in `model`.
        """
        runs, signs = self.runs(self.best), self.about["settings"]["signs"]
        good = {seed: first_figures(stored["valid"]) for seed, stored in runs.items() if "error" not in stored}
        start = {task: figure or 1.0 for task, figure in good[min(good)].items()}
        return self.model(self.best, max(good, key=lambda seed: mean_gain(good[seed], start, signs)))

    def model(self, candidate: str, seed: int) -> Any:
        """Returns the trained model of a final run, at its chosen epoch.

        It is read from its file if the comparison has `keep="best"`, and otherwise trained again in the same way.

        Raises:
            ValueError: If there is no such run of a model, or neither its file nor the `build` of the comparison,
                because the comparison was read from a storage.
        """
        stored = self.runs(candidate).get(seed)
        if stored is None or "error" in stored or candidate in self.about["estimators"]:
            raise ValueError(f"There is no model of {candidate!r} with the seed {seed!r}.")
        if os.path.exists(stored.get("file", "")):
            return keras.saving.load_model(stored["file"])
        if self._plan is None:
            raise ValueError('There is no file of the model. Use `compare(..., keep="best")`, or call `compare` again.')
        plan, key = self._plan, (candidate, FINAL, seed)
        return run(lambda: plan.make(candidate, stored["params"]), plan.rule_of(key, self._runs), seed)[1]

    def report(self, folder: str | os.PathLike, relatedness: Any = None) -> str:
        """Writes `index.html`, `report.md`, `runs.csv` and the plots to a folder; returns the path of the page.

        Needs the extra `plots`.

        Args:
            folder: The folder; created if it does not exist.
            relatedness: A `relatedness.Matrix` of the tasks to show beside the gains in the report, such as
                `mtl.relatedness.labels(y)`; None for none.

        Raises:
            ValueError: If `relatedness` is not a matrix.
        """
        return _report.write(self, folder, relatedness)

    def __str__(self) -> str:
        return f"{_table.text(self)}\n\n{self.verdict()}".rstrip()

    def _gains_in(self, task):
        """Returns `{candidate: Gain}` of the candidates with a task; for "all tasks", of those with all tasks."""
        tasks = self.tasks if task == _gains.ALL else [task]
        return {name: of[task] for name, of in self.gains.items() if all(self.has(name, t) for t in tasks)}
