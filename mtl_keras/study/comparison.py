"""What a comparison found."""

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
    """The runs of a comparison, with what follows from them. `mtl_keras.study.compare` and `load` return it.

    Printed, it is a table of the test figures, mean ± standard deviation over the seeds, and the verdict. Δm is the
    mean over the tasks of the gain of the first metric, in per cent of the baseline's mean. Its 95 % interval is by
    Student's t over the seeds, paired with the baseline's. The p-values of the paired t-tests are corrected after Holm
    over all candidates and tasks together: where nothing differs, 5 % of the comparisons name a difference at all. The
    intervals are not corrected. They include the chance in the choice of the test rows with `resamples=` alone.

    Args:
        about: What the storage says of the comparison.
        runs: `{(candidate, "tune" or "final", number of the trial or seed): what is stored of the run}`.
        plan: The plan, for `build_best`; None if it was read from a storage.

    Attributes:
        candidates: Names of the candidates and estimators, the baseline first.
        baseline: Name of the baseline.
        metrics: `{task: names of its metrics}`, the first of which counts.
        seeds: Seeds of the final runs.
        gains: `{candidate: {task or "all tasks": Gain}}` of all but the baseline, in per cent.

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
        """Returns what is stored of the runs of a candidate: `{seed: dict}`, or of `"tune"`, `{trial: dict}`."""
        return {key[2]: stored for key, stored in sorted(self._runs.items()) if key[:2] == (candidate, kind)}

    def figures(self, candidate: str, task: str, metric: str | None = None, part: str = "test") -> dict[int, float]:
        """Returns `{seed: figure}` of the final runs that did not fail.

        Args:
            candidate, task: Names.
            metric: Name of a metric of the task; the first one by default.
            part: `"test"` or `"valid"`.
        """
        metric = metric or self.metrics[task][0]
        good = {seed: stored for seed, stored in self.runs(candidate).items() if "error" not in stored}
        return {seed: s[part][task][metric] for seed, s in good.items() if metric in s[part].get(task, {})}

    def has(self, candidate: str, task: str) -> bool:
        """Returns whether a candidate has a task: all candidates have all tasks, but for `compare(subsets=True)`."""
        good = [stored for stored in self.runs(candidate).values() if "error" not in stored]
        return not good or any(task in stored["test"] for stored in good)

    def rows(self) -> list[dict[str, Any]]:
        """Returns a flat dict for each run, failed ones too: what `report` writes to `runs.csv`."""
        return [_table.row(key, stored) for key, stored in sorted(self._runs.items())]

    def flags(self) -> dict[tuple[str, int], list[str]]:
        """Returns `{(candidate, seed): sentences}` of the final runs that are conspicuous or lie far outside."""
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
        """Returns the verdict in words: of all tasks, and of each."""
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
        """Name of the candidate with the highest mean gain on `valid`: the test data do not choose."""
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
        """Returns the trained model of the best candidate: that of the seed with the best figures on `valid`.

        Raises:
            ValueError: As in `model`.
        """
        runs, signs = self.runs(self.best), self.about["settings"]["signs"]
        good = {seed: first_figures(stored["valid"]) for seed, stored in runs.items() if "error" not in stored}
        start = {task: figure or 1.0 for task, figure in good[min(good)].items()}
        return self.model(self.best, max(good, key=lambda seed: mean_gain(good[seed], start, signs)))

    def model(self, candidate: str, seed: int) -> Any:
        """Returns the trained model of a final run, at the epoch that was chosen.

        It is read from its file if the comparison has `keep="best"`, and else trained again as it was.

        Raises:
            ValueError: If there is no such run of a model, or neither its file nor the `build` of the comparison, as it
                was read from a storage.
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
        """Writes `index.html`, `report.md`, `runs.csv` and the pictures to a folder; returns the path of the page.

        Needs the extra `plots`.

        Args:
            folder: The folder, which is made if it does not exist.
            relatedness: A `relatedness.Matrix` of the tasks that the report shows beside the gains, such as
                `mtl.relatedness.labels(y)`; None for none.

        Raises:
            ValueError: If `relatedness` is no matrix.
        """
        return _report.write(self, folder, relatedness)

    def __str__(self) -> str:
        return f"{_table.text(self)}\n\n{self.verdict()}".rstrip()

    def _gains_in(self, task):
        """Returns `{candidate: Gain}` of the candidates that have a task; for "all tasks", that have them all."""
        tasks = self.tasks if task == _gains.ALL else [task]
        return {name: of[task] for name, of in self.gains.items() if all(self.has(name, t) for t in tasks)}
