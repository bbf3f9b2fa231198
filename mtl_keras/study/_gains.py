"""Computes the gains of candidates over the baseline of a comparison."""

import math
import statistics
from typing import Any

import numpy as np

from mtl_keras.study._statistics import Gain, correct, gain_of

ALL = "all tasks"


def all_gains(study: Any) -> dict[str, dict[str, Gain]]:
    """Returns `{candidate: {task or "all tasks": Gain}}` of all but the baseline, corrected as one family."""
    found: dict[str, dict[str, Gain]] = {}
    for name in study.candidates[1:]:
        relative = {task: _differences(study, name, task) for task in study.tasks}
        common = sorted(set.intersection(*(set(of) for of in relative.values())))
        means = [float(np.mean([relative[task][seed] for task in study.tasks])) for seed in common]
        of_rows = _by_rows(study, name)
        found[name] = {t: gain_of(list(of.values()), _spread(of_rows.get(t))) for t, of in relative.items()}
        whole = np.mean([of_rows[t] for t in study.tasks], axis=0) if set(of_rows) == set(study.tasks) else None
        found[name][ALL] = gain_of(means, _spread(whole))
    correct([gain for of in found.values() for gain in of.values()])
    return found


def _differences(study, candidate, task):
    """Returns `{seed: gain over the baseline's run of the same seed, in per cent of the baseline's mean}`."""
    base, own = study.figures(study.baseline, task), study.figures(candidate, task)
    mean = statistics.fmean(base.values()) if base else math.nan
    sign = study.about["settings"]["signs"][task]
    return {seed: 100 * sign * (own[seed] - base[seed]) / abs(mean or math.nan) for seed in own if seed in base}


def _by_rows(study, candidate):
    """Returns `{task: mean gain over the seeds on each resample of the test rows}`, if the runs have resamples."""
    found = {}
    for task in study.tasks:
        own, base = (_resampled(study, name, task) for name in (candidate, study.baseline))
        seeds = [seed for seed in own if seed in base]
        mean = statistics.fmean(study.figures(study.baseline, task).values()) if base else 0.0
        if seeds and mean:
            sign = study.about["settings"]["signs"][task]
            found[task] = 100 * sign * np.mean([own[s] - base[s] for s in seeds], axis=0) / abs(mean)
    return found


def _resampled(study, candidate, task):
    runs = study.runs(candidate).items()
    return {seed: np.array(stored["resampled"][task]) for seed, stored in runs if task in stored.get("resampled", {})}


def _spread(values):
    """Returns a standard deviation; 0 for None."""
    return 0.0 if values is None else float(np.std(values, ddof=1))
