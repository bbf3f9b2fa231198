"""The table of a comparison."""

import math
import statistics
from typing import Any

from mtl_keras.study._plan import TUNE
from mtl_keras.study._verdict import decimals


def text(study: Any) -> str:
    """Returns the table and the notes below it as text."""
    return "\n".join([*aligned(cells(study)), "", *notes(study)])


def aligned(rows: list[list[str]]) -> list[str]:
    """Returns the lines of a table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def cells(study: Any) -> list[list[str]]:
    """Returns the head and the rows of the table: the baseline first, then the candidates by gain."""
    order = sorted(study.gains, key=lambda name: _rank(study.gains[name]["all tasks"].mean))
    columns = [f"{task} {metrics[0]}" for task, metrics in study.metrics.items()]
    head = ["candidate", *columns, "Δm % [95 %]", "parameters", "s/epoch", "runs"]
    digits = {task: _digits(study, task) for task in study.tasks}
    rows = []
    for name in [study.baseline, *order]:
        figures = [_figure(study, name, task, digits[task]) for task in study.tasks]
        rows.append([name, *figures, _gain(study, name), *_costs(study, name)])
    return [head, *rows]


def notes(study: Any) -> list[str]:
    """Returns sentences that explain the table, and warnings about runs that are suspicious or failed."""
    settings, tuned = study.about["settings"], [n for n, trials in study.about["trials"].items() if trials]
    budget = "as many seconds as the baseline" if settings["equal_seconds"] else _count(settings["epochs"], "epoch")
    seeds, trials = _count(len(study.seeds), "seed"), _count(settings["trials"], "tuning trial")
    lines = [f"Mean ± standard deviation over {seeds} on the test data; {budget} at most for each run."]
    if tuned:
        whom = "candidate" if len(tuned) == len(study.about["candidates"]) else f"of: {', '.join(tuned)}"
        lines.append(f"{trials} on the validation data for each {whom}.")
    lines.append(f"* differs from {study.baseline}: paired t-test over the seeds, Holm's correction, level 5 %.")
    if settings.get("resamples"):
        lines.append(f"Intervals and tests are over the seeds and {settings['resamples']} resamples of the test rows.")
    for task in study.tasks:
        if not any(study.figures(study.baseline, task).values()):
            lines.append(
                f"! {study.baseline} has figure 0 in {task} with every seed, so gains cannot be relative to it."
            )
    for (name, seed), found in study.flags().items():
        lines.append(f"! {name}, seed {seed}: {'; '.join(found)}.")
    for row_ in study.rows():
        if row_.get("error"):
            kind = "trial" if row_["kind"] == TUNE else "seed"
            lines.append(f"! {row_['candidate']}, {kind} {row_['number']} failed: {row_['error'][:200]}")
    hashes = {stored["data"] for name in study.candidates for stored in study.runs(name).values() if "data" in stored}
    if len(hashes) > 1:
        lines.append("! The runs were made on different data: their first batches differ.")
    return lines


def row(key: tuple[str, str, int], stored: dict[str, Any]) -> dict[str, Any]:
    """Returns a run as a flat dict."""
    found = {"candidate": key[0], "kind": key[1], "number": key[2], "seed": stored.get("seed")}
    found |= {f"parameter {name}": value for name, value in stored.get("params", {}).items()}
    for part in ("valid", "test"):
        for task, figures in stored.get(part, {}).items():
            found |= {f"{part} {task} {metric}": figure for metric, figure in figures.items()}
    found |= {f"best epoch {name}": epoch for name, epoch in stored.get("epoch", {}).items()}
    found["parameters"] = sum(stored["parameters"]) if "parameters" in stored else None
    for name in ("seconds", "seconds_per_epoch", "steps_per_second", "megabytes", "data", "file", "error"):
        found[name] = stored.get(name)
    found["flags"] = "; ".join(stored.get("flags", []))
    return found


def _count(number, what):
    return f"{number} {what}" + ("" if number == 1 else "s")


def _rank(gain):
    return math.inf if math.isnan(gain) else -gain


def _digits(study, task):
    """Returns the number of decimals of a task's figures, up to the first digit of their spread."""
    by_name = [list(study.figures(name, task).values()) for name in study.candidates]
    spreads = [statistics.stdev(values) for values in by_name if len(values) > 1]
    spreads = [spread for spread in spreads if spread > 0]
    mean = statistics.fmean(abs(value) for values in by_name for value in values or [0.0])
    least = 3 if mean < 1 else 3 - min(3, int(math.log10(mean)))
    return min(5, max(least, -math.floor(math.log10(statistics.median(spreads))))) if spreads else least


def _figure(study, name, task, digits):
    values = list(study.figures(name, task).values())
    if not values:
        return "failed" if study.runs(name) and study.has(name, task) else "-"
    star = " *" if name in study.gains and study.gains[name][task].told else ""
    mean = _number(statistics.fmean(values), digits)
    return f"{mean} ± {_number(statistics.stdev(values), digits)}{star}" if len(values) > 1 else mean


def _number(value, digits):
    shown = f"{value:.{digits}f}"
    return shown[1:] if shown.startswith("0.") else shown


def _gain(study, name):
    if name == study.baseline:
        return "0"
    gain = study.gains[name]["all tasks"]
    if math.isnan(gain.mean):
        return "-"
    if math.isnan(gain.low):
        return f"{gain.mean:+.1f}"
    digits = decimals(gain.high - gain.low)
    star = " *" if gain.told else ""
    mean, low, high = (round(value, digits) + 0.0 for value in (gain.mean, gain.low, gain.high))  # avoids -0
    return f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]{star}"


def _costs(study, name):
    """Returns the cells for the number of parameters, the seconds per epoch and the number of runs."""
    runs, trials = study.runs(name), study.runs(name, TUNE)
    good = [stored for stored in runs.values() if "error" not in stored]
    bad = sum("error" in stored for stored in [*runs.values(), *trials.values()])
    count = f"{len(trials)}+{len(runs)}" + (f", {bad} failed" if bad else "")
    if not good or good[0].get("estimator"):
        return ["-", "-", count]
    sizes = good[0]["parameters"]
    if len(sizes) > 1 and len(set(sizes)) == 1:
        size = f"{len(sizes)} x {sizes[0]:,}"
    else:
        size = f"{sum(sizes):,}" + (f" in {len(sizes)}" if len(sizes) > 1 else "")
    seconds = statistics.fmean(stored["seconds_per_epoch"] for stored in good)
    return [size, f"{seconds:.2g}" if seconds < 10 else f"{seconds:,.0f}", count]
