"""The report of a search: a page, a text, a table of the trials, and Optuna's pictures."""

import csv
import json
import os
import pathlib
import warnings
from typing import Any

from mtl_keras._extras import need
from mtl_keras.study import _page
from mtl_keras.study._storage import optuna, quiet


def write(found: Any, folder: str | os.PathLike) -> str:
    """Writes `index.html`, `report.md`, `trials.csv` and the pictures; returns the path of the page."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = pictures(found.study, [f"{task} {metrics[0]}" for task, metrics in found.metrics.items()], folder)
    with open(folder / "trials.csv", "w", encoding="utf-8", newline="") as file:
        rows = [_row(trial) for trial in found.study.trials]
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    parts = [("The best trials", found.cells()), ("Notes", "\n".join(found.notes()))]
    (folder / "report.md").write_text(_page.markdown("Search", parts, drawn), encoding="utf-8")
    page = folder / "index.html"
    page.write_text(_page.html("Search", parts, drawn, folder), encoding="utf-8")
    return str(page)


def pictures(study: Any, names: list[str], folder: pathlib.Path) -> dict[str, str]:
    """Draws Optuna's pictures into a folder, and returns `{title: file name}`.

    Args:
        study: An Optuna study.
        names: Names of the figures of a Pareto front.
        folder: The folder.
    """
    need("matplotlib", "plots", "the pictures of a report")
    from matplotlib import pyplot

    draw, several = optuna().visualization.matplotlib, len(study.directions) > 1
    # Good trials have dark lines. With a target, Optuna treats low values as good.
    of_gain = {"target": lambda t: -t.user_attrs["run"]["gain"], "target_name": "minus mean gain"} if several else {}
    complete = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    varied = [name for name in _names(complete) if len({repr(trial.params.get(name)) for trial in complete}) > 1]
    planned = {} if several else {"History": lambda: draw.plot_optimization_history(study)}
    if varied:
        evaluator = optuna().importance.PedAnovaImportanceEvaluator()
        planned["Parallel coordinates"] = lambda: draw.plot_parallel_coordinate(study, params=varied, **of_gain)
        planned["Importances"] = lambda: draw.plot_param_importances(study, evaluator=evaluator, **of_gain)
    if 1 < len(study.directions) < 4:
        planned["Front"] = lambda: draw.plot_pareto_front(study, target_names=names)
    drawn = {}
    for title, make in planned.items():
        name = title.lower().replace(" ", "_") + ".png"
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna warns of new kinds of pictures and of few trials
            figure = make().figure
        figure.savefig(folder / name, dpi=100, bbox_inches="tight")
        pyplot.close(figure)
        drawn[title] = name
    return drawn


def _names(trials):
    return list(dict.fromkeys(name for trial in trials for name in trial.params))


def _row(trial):
    run = trial.user_attrs.get("run", {})
    row = {"trial": trial.number, "state": trial.state.name.lower(), "gain": run.get("gain")}
    for task, figures in run.get("valid", {}).items():
        row |= {f"valid {task} {metric}": figure for metric, figure in figures.items()}
    row |= {f"parameter {name}": value for name, value in trial.params.items()}
    row |= {"parameters": sum(run["parameters"]) if "parameters" in run else None, "seconds": run.get("seconds")}
    return row | {"epoch": json.dumps(run.get("epoch")), "error": trial.user_attrs.get("error")}
