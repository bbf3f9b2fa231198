"""Tables of the report: relatedness of the tasks, regularisation, and how well a task's features serve another task."""

import math
import statistics
from typing import Any


def gaps(study: Any) -> list[list[str]]:
    """Returns a table of the gap between training and validation at the best epoch, with one column per task.

    Above 0, training is better: if lower figures are better, the gap is validation minus training. The figures of
    training are means over the epoch, with dropout.
    """
    head = ["candidate", *(f"{task} {metrics[0]}" for task, metrics in study.metrics.items())]
    rows = []
    for name in study.candidates:
        cells = []
        for task in study.tasks:
            values = [gap for stored in study.runs(name).values() for gap in _gap(study, stored, task)]
            cells.append(_mean(values, "+"))
        if any(cell != "-" for cell in cells):
            rows.append([name, *cells])
    return [head, *rows]


def of_matrix(matrix: Any) -> list[list[str]]:
    """Returns a `relatedness.Matrix` as a table. Each entry is from the task of the row to the task of the column."""
    rows = []
    for i, task in enumerate(matrix.tasks):
        values = [float(value) for value in matrix.values[i]]
        cells = ["–" if math.isnan(value) else f"{value:.3f}" for value in values]
        cells[i] = ""
        rows.append([task, *cells])
    return [["from / to", *matrix.tasks], *rows]


def transfers(study: Any) -> list[list[str]]:
    """Returns a table of the test figures of linear heads on frozen towers, with one row per tower.

    For a task on its own tower, the figure is that of the baseline: its tower and head were trained together.
    """
    head = ["tower of", *(f"{task} {metrics[0]}" for task, metrics in study.metrics.items())]
    runs = [stored["transfer"] for stored in study.runs(study.baseline).values() if "transfer" in stored]
    rows = []
    for tower in study.tasks if runs else []:
        cells = []
        for task in study.tasks:
            if task == tower:
                values = list(study.figures(study.baseline, task).values())
            else:
                values = [of[tower][task] for of in runs if task in of.get(tower, {})]
            cells.append(_mean(values) + (" (own)" if task == tower else ""))
        rows.append([tower, *cells])
    return [head, *rows]


def _mean(values, sign=""):
    """Returns mean ± standard deviation as text."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):{sign}.3f}{spread}" if values else "-"


def _gap(study, stored, task):
    """Returns the gap of a run as a list of one number; empty if it is unknown."""
    name = f"{task}_{study.metrics[task][0]}"
    train, valid = (stored.get("history", {}).get(key) for key in (name, f"val_{name}"))
    if not train or not valid:
        return []
    epoch = stored["epoch"].get(task, stored["epoch"].get("all")) - 1
    sign = study.about["settings"]["signs"][task]
    return [sign * (train[epoch] - valid[epoch])]
