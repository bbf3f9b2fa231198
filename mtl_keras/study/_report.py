"""The report of a comparison: a page, a text, a table of the runs, and pictures."""

import csv
import math
import os
import pathlib
import re
import statistics
from typing import Any

from mtl_keras._arguments import error
from mtl_keras.plots import cost, gains, learning_curves, pareto, relatedness
from mtl_keras.study import _page, _table
from mtl_keras.study._measures import gaps, of_matrix, transfers

_MOST_PAIRS = 6


def write(study: Any, folder: str | os.PathLike, matrix: Any = None) -> str:
    """Writes `index.html`, `report.md`, `runs.csv` and the pictures; returns the path of the page.

    Args:
        study: The comparison.
        folder: Folder to write to.
        matrix: A `relatedness.Matrix`, or None.
    """
    if matrix is not None and not (hasattr(matrix, "tasks") and hasattr(matrix, "measure")):
        raise ValueError(error("relatedness", "a mtl_keras.relatedness.Matrix or None", matrix))
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = pictures(study, folder)
    parts = contents(study)
    if matrix is not None:
        parts.append((f"Relatedness of the tasks: {matrix.measure}", of_matrix(matrix)))
        relatedness(matrix, folder / "relatedness.png")
        drawn["Relatedness"] = "relatedness.png"
    with open(folder / "runs.csv", "w", encoding="utf-8", newline="") as file:
        rows = study.rows()
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "report.md").write_text(_page.markdown("Comparison", parts, drawn), encoding="utf-8")
    page = folder / "index.html"
    page.write_text(_page.html("Comparison", parts, drawn, folder), encoding="utf-8")
    return str(page)


def contents(study: Any) -> list[tuple[str, Any]]:
    """Returns the parts of the report, pairs of a title and a table (a list of rows) or a text."""
    parts: list[tuple[str, Any]] = [("Figures", _table.cells(study)), ("Notes", "\n".join(_table.notes(study)))]
    parts.append(("Verdict", study.verdict()))
    found = gaps(study)
    if len(found) > 1:
        parts.append(("Regularisation: figures of training minus those of validation", found))
    found = transfers(study)
    if len(found) > 1:
        parts.append(("Generalisation: linear heads on the frozen towers of other tasks, on the test data", found))
    return parts


def pictures(study: Any, folder: pathlib.Path) -> dict[str, str]:
    """Draws the pictures into a folder, and returns `{title: file name}`."""
    drawn: dict[str, str] = {}

    def add(title, draw, *arguments, **options):
        name = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_").lower() + ".png"
        draw(*arguments, path=folder / name, **options)
        drawn[title] = name

    found = {name: {t: (g.mean, g.low, g.high) for t, g in _all_first(of)} for name, of in study.gains.items()}
    known = {name: of for name, of in found.items() if any(not math.isnan(mean) for mean, _, _ in of.values())}
    if known:
        add("Gains", gains, known, study.baseline, verdicts=study.verdicts())
    tasks = study.tasks
    signs = study.about["settings"]["signs"]
    pairs = [(a, b) for i, a in enumerate(tasks) for b in tasks[i + 1 :]][:_MOST_PAIRS]
    for a, b in pairs:
        runs = {name: _pairs(study.figures(name, a), study.figures(name, b)) for name in study.candidates}
        labels = [f"{task} {study.metrics[task][0]}" for task in (a, b)]
        ways = ["max" if signs[task] > 0 else "min" for task in (a, b)]
        runs = {name: of for name, of in runs.items() if of}
        add(f"{labels[0]} against {labels[1]}", pareto, runs, labels, ways, study.baseline)
    for task, metrics in study.metrics.items():
        curves = {name: _curves(study, name, f"val_{task}_{metrics[0]}") for name in study.candidates}
        curves = {name: of for name, of in curves.items() if of}
        if curves:
            label = f"{task} {metrics[0]}, validation"
            add(label, learning_curves, curves, label)
    costs = {study.baseline: (_seconds(study, study.baseline), 0.0, math.nan, math.nan)}
    costs |= {name: (_seconds(study, name), *of["all tasks"]) for name, of in found.items()}
    add("Cost", cost, costs, "seconds per epoch", study.baseline)
    return drawn


def _all_first(gains):
    return sorted(gains.items(), key=lambda pair: pair[0] != "all tasks")


def _pairs(a, b):
    return [(a[seed], b[seed]) for seed in a if seed in b]


def _curves(study, name, metric):
    histories = [stored["history"] for stored in study.runs(name).values() if "error" not in stored]
    return [history[metric] for history in histories if history.get(metric)]


def _seconds(study, name):
    values = [s["seconds_per_epoch"] for s in study.runs(name).values() if "seconds_per_epoch" in s]
    return statistics.fmean(values) if values else math.nan
