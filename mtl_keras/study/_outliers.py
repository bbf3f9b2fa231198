"""Runs whose results are far from the others of their candidate."""

import statistics

_FAR = 6.0  # robust standard deviations
_LEAST = 0.03  # and at least this share of the figure


def outliers(figures: dict[str, dict[str, dict[int, float]]]) -> dict[tuple[str, int], list[str]]:
    """Returns `{(candidate, seed): sentences}` of the runs that are far from the median of their candidate.

    The scale is the median distance from the median over the runs of all candidates, so it also works with few seeds.

    Args:
        figures: `{candidate: {task: {seed: figure}}}`.
    """
    found: dict[tuple[str, int], list[str]] = {}
    for task in dict.fromkeys(task for of in figures.values() for task in of):
        values = {name: of[task] for name, of in figures.items() if len(of.get(task, {})) > 2}
        medians = {name: statistics.median(of.values()) for name, of in values.items()}
        away = [abs(value - medians[name]) for name, of in values.items() for value in of.values()]
        away = [distance for distance in away if distance > 0]  # without the medians themselves
        scale = 1.4826 * statistics.median(away) if away else 0.0
        for name, of in values.items():
            for seed, value in of.items():
                distance = abs(value - medians[name])
                if distance > max(_FAR * scale, _LEAST * abs(medians[name])):
                    text = f"{value:.4g} on `{task}` is far from the median {medians[name]:.4g}"
                    found.setdefault((name, seed), []).append(text)
    return found
