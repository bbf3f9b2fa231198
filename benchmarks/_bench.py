"""Paired timing for noisy machines."""

import time

import numpy as np


def ratios(callables, rounds=10, warm_up=1):
    """Times callables in turn and returns how long each takes relative to the first.

    Each round runs all of them in alternating order and gives one ratio, so anything that slows down a whole
    round cancels out.

    Args:
        callables: `{name: function without arguments}`; the first one is the reference.
        rounds: Number of rounds that count.
        warm_up: Number of rounds before those.

    Returns:
        `{name: (quartile, median, quartile)}` of the ratios, without the reference.
    """
    names = list(callables)
    times = {name: [] for name in names}
    for turn in range(warm_up + rounds):
        for name in names if turn % 2 else reversed(names):
            start = time.perf_counter()
            callables[name]()
            times[name].append(time.perf_counter() - start)
    reference = np.array(times[names[0]][warm_up:])
    return {name: np.quantile(times[name][warm_up:] / reference, [0.25, 0.5, 0.75]) for name in names[1:]}


def report(question, callables, rounds=10, warm_up=1):
    """Prints one line for each callable except the first: its time relative to that of the first."""
    for name, (low, median, high) in ratios(callables, rounds, warm_up).items():
        reference = next(iter(callables))
        print(f"{question}: {name} / {reference} = {median:.3f} (quartiles {low:.3f} to {high:.3f})", flush=True)
