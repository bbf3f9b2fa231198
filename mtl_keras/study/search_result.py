"""The results of a search."""

import os
from typing import Any

from mtl_keras.study import _search_report
from mtl_keras.study._run import run
from mtl_keras.study._table import aligned
from mtl_keras.study.spaces import values_of

_ROWS = 10


class SearchResult:
    """The trials of a search. `mtl_keras.study.search` and `load` return it. It prints as a table of the ten best.

    Args:
        about: The description of the search in the storage.
        study: The `optuna.study.Study`.
        searching: The settings of the search; None if it was read from a storage.

    Attributes:
        study: The `optuna.study.Study`. Plot it with `optuna.visualization`: parallel coordinates, importances and
            more.
        metrics: `{task: names of its metrics}`; the first one counts.

    Example:

    ```python
    def build(trial):  # with Optuna's own way to suggest
        tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Binary())]
        width = trial.suggest_int("width", 2, 8)
        model = mtl.build_model((2,), tasks, tower=mtl.towers.MLP((width,)))
        model.compile("adam")
        return model

    y = np.arange(20) % 2
    data = np.stack([y, 1 - y], axis=1), {"a": y, "b": y}
    found = mtl.study.search(build, None, data, data, objective="pareto", trials=2, epochs=1, verbose=False)
    print(found)
    [trial.params for trial in found.front]  # those that no other beats in both tasks
    ```
    """

    def __init__(self, about: dict[str, Any], study: Any, searching: Any = None) -> None:
        self.metrics: dict[str, list[str]] = about["metrics"]
        self.study = study
        self._searching = searching
        if not self._by_gain():
            errors = [trial.user_attrs["error"] for trial in study.trials if "error" in trial.user_attrs]
            raise RuntimeError(f"No trial was complete. The first error: {errors[0] if errors else 'none'}")

    @property
    def front(self) -> list[Any]:
        """The best Optuna trials: one with `"mean_gain"`, and the Pareto front with `"pareto"`."""
        return self.study.best_trials if len(self.study.directions) > 1 else [self.study.best_trial]

    @property
    def best(self) -> dict[str, Any]:
        """The parameters of `build` of the trial with the highest mean gain.

        If the search was read from a storage, they are as Optuna stores them: objects of a `Choice` as text.
        """
        return self._values(self._by_gain()[0].params)

    def build_best(self) -> Any:
        """Returns the model of the best trial, trained again in the same way.

        Raises:
            ValueError: If the search was read from a storage, without its `build`.
        """
        searching, trial = self._searching, self._by_gain()[0]
        if searching is None:
            raise ValueError("The storage has no `build`. Call `search` again, with the same arguments.")
        return run(lambda: self._built(trial), searching.rule, searching.seed, complete=False)[1]

    def report(self, folder: str | os.PathLike) -> str:
        """Writes `index.html`, `report.md`, `trials.csv` and Optuna's plots to a folder; returns the page's path.

        The plots are the history of the search, parallel coordinates, the importances of the parameters and, with
        `objective="pareto"`, the front. Needs the extra `plots`.
        """
        return _search_report.write(self, folder)

    def _built(self, trial):
        searching = self._searching
        return searching.build(trial) if searching.space is None else searching.build(**self._values(trial.params))

    def _values(self, params):
        space = self._searching and self._searching.space
        return dict(params) if space is None else values_of(space, params)

    def _by_gain(self):
        """Returns the complete trials, the highest mean gain first."""
        trials = [trial for trial in self.study.trials if trial.state.name == "COMPLETE"]
        return sorted(trials, key=lambda trial: -trial.user_attrs["run"]["gain"])

    def cells(self) -> list[list[str]]:
        """Returns the header and the rows of the table."""
        front = {trial.number for trial in self.front}
        names = list(dict.fromkeys(name for trial in self.study.trials for name in trial.params))
        table = [["trial", *(f"{task} {metrics[0]}" for task, metrics in self.metrics.items()), "gain %", *names]]
        for trial in self._by_gain()[:_ROWS]:
            stored = trial.user_attrs["run"]
            figures = [f"{next(iter(stored['valid'][task].values())):.4g}" for task in self.metrics]
            params = [_shown(trial.params.get(name)) for name in names]
            star = " *" if trial.number in front else ""
            table.append([f"{trial.number}{star}", *figures, f"{100 * stored['gain']:+.2f}", *params])
        return table

    def notes(self) -> list[str]:
        """Returns sentences that explain the table."""
        states = [trial.state.name for trial in self.study.trials if "skipped" not in trial.user_attrs]
        names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        counts = ", ".join(f"{states.count(state)} {name}" for state, name in names.items() if state in states)
        note = "Figures of the validation data, which chose the trials: they look better than they are."
        return [f"{counts}; * no other trial is better.", note]

    def __str__(self) -> str:
        return "\n".join([*aligned(self.cells()), "", *self.notes()])


def _shown(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
