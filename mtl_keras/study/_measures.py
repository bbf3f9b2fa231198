"""How well regularisation works: what figures of training are above those of validation."""

import statistics
from typing import Any


def gaps(study: Any) -> list[list[str]]:
    """Returns a table of the gap between training and validation at the epoch that was kept, a column for each task.

    Where lower figures are better the gap is validation minus training: above 0, training is better. The figures of
    training are means over the epoch, with dropout.
    """
    head = ["candidate", *(f"{task} {metrics[0]}" for task, metrics in study.metrics.items())]
    rows = []
    for name in study.candidates:
        cells = []
        for task in study.tasks:
            values = [gap for stored in study.runs(name).values() for gap in _gap(study, stored, task)]
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells.append(f"{statistics.fmean(values):+.3f}{spread}" if values else "-")
        if any(cell != "-" for cell in cells):
            rows.append([name, *cells])
    return [head, *rows]


def _gap(study, stored, task):
    """Returns the gap of a run as a list of one; empty where it is not known."""
    name = f"{task}_{study.metrics[task][0]}"
    train, valid = (stored.get("history", {}).get(key) for key in (name, f"val_{name}"))
    if not train or not valid:
        return []
    epoch = stored["epoch"].get(task, stored["epoch"].get("all")) - 1
    sign = study.about["settings"]["signs"][task]
    return [sign * (train[epoch] - valid[epoch])]
