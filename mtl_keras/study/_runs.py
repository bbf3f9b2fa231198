"""Makes the runs of a comparison."""

import pathlib
import re
import time
import zlib
from typing import Any

from mtl_keras.callbacks._directions import mean_gain
from mtl_keras.engine.tensorflow.freed_graphs import freed_graphs
from mtl_keras.study import _check, _estimators
from mtl_keras.study._apart import apart
from mtl_keras.study._plan import FINAL, TUNE, Plan, first_figures
from mtl_keras.study._queue import Key, until_done
from mtl_keras.study._run import run
from mtl_keras.study._transfer import transferred


def make_runs(plan: Plan, queue: Any, verbose: bool) -> None:
    """Makes the runs of a comparison, together with other processes, until all are complete."""
    runs: dict[Key, dict[str, Any]] = {}
    keys = plan.keys()

    def drawn(key: Key) -> dict[str, Any]:
        candidate, kind, number = key
        if candidate in plan.estimators or not plan.num_trials(candidate):
            return {}
        return plan.drawn(candidate, number if kind == TUNE else plan.best(candidate, runs))

    def advance() -> bool:
        nonlocal runs
        runs = queue.runs()
        queue.fill([key for key in plan.ready(runs) if key not in runs], drawn)
        return all(key in runs for key in keys)

    def make(key: Key, trial: Any) -> tuple[float, dict[str, Any]]:
        stored = _made(plan, key, dict(trial.params), runs)
        if verbose:
            print(_line(plan, key, stored, len(runs)), flush=True)
        reference = stored["valid"] and key[0] != plan.baseline and plan.reference(runs)
        figures = first_figures(stored["valid"])
        return (mean_gain(figures, reference, plan.rule.signs) if reference else 0.0), stored

    def spaces(key: Key) -> dict[str, Any]:
        return plan.spaces(key[0]) if key[0] in plan.candidates and plan.num_trials(key[0]) else {}

    until_done(queue, advance, lambda: queue.work(make, spaces))


@freed_graphs()
def _made(plan, key, drawn, runs):
    """Makes a run, and returns its record."""
    candidate, kind, number = key
    if candidate in plan.estimators:
        plan_model = _check.built(lambda: plan.make(plan.baseline, _any(plan, runs)), f"the baseline {plan.baseline!r}")
        stored = _estimators.run(plan.estimators[candidate], plan_model, plan.rule, number)
    else:
        rule, seed = plan.rule_of(key, runs), plan.seed(key)
        stored, model = run(lambda: plan.make(candidate, drawn), rule, seed, complete=kind == FINAL)
        if plan.transfer and kind == FINAL and candidate == plan.baseline:
            stored["transfer"] = transferred(apart(model), rule, seed)
        if plan.models and kind == FINAL:
            path = pathlib.Path(plan.models) / f"{file_name(candidate)}-{number}.keras"
            path.parent.mkdir(parents=True, exist_ok=True)
            model.build_optimizer()  # not built yet if each task was trained by itself
            model.save(path)
            stored["file"] = str(path)
    return {**stored, "seed": plan.seed(key), "data": plan.data, "at": time.time()}


def _any(plan, runs):
    return plan.drawn(plan.baseline, 0) if plan.num_trials(plan.baseline) else {}


def file_name(name: str) -> str:
    """Returns a file name for any name; different names get different file names."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return safe if safe == name else f"{safe}-{zlib.crc32(name.encode()):08x}"


def _line(plan, key, stored, made):
    """Returns the line to print for a run."""
    figures = stored["test"] or stored["valid"]
    shown = ", ".join(
        f"{task} {next(iter(of.items()))[0]} {next(iter(of.values())):.4g}" for task, of in figures.items()
    )
    what = f"trial {key[2]}" if key[1] == TUNE else f"seed {key[2]}"
    part = "test" if stored["test"] else "valid"
    return f"[{made + 1}/{len(plan.keys())}] {key[0]}, {what}: {shown} on {part}, {stored['seconds']:.1f} s"
