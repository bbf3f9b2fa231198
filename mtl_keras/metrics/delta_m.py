"""The mean gain over single-task models."""

from collections.abc import Sequence


def delta_m(
    figures: dict[str, float | dict[str, float]],
    single: dict[str, float | dict[str, float]],
    lower_is_better: Sequence[str] = (),
) -> float:
    """Returns Δm: the mean over the tasks of the relative gain over their single-task figures, in per cent.

    Δm = 100/T · Σ_t 1/M_t · Σ_m ±(M_tm − B_tm) / |B_tm|, with the sign − where lower is better. Above 0 the tasks are
    better together. A single-task figure near 0 makes the relative gain large, so choose figures that are not near 0.

    Args:
        figures: `{task: number}`, or `{task: {metric: number}}` for several metrics of a task.
        single: The same figures for the single-task models.
        lower_is_better: Names of the tasks, or metrics, for which lower is better.

    Returns:
        A float.

    Raises:
        ValueError: If the two do not have the same names, a name is unknown, or a single-task figure is 0.

    Example:

    ```python
    single = {"digit": 0.90, "ink": 0.20}
    mtl.metrics.delta_m({"digit": 0.945, "ink": 0.19}, single, lower_is_better=["ink"])  # 5.0: 5 % better in both
    ```

    Reference: K.-K. Maninis, I. Radosavovic, I. Kokkinos, "Attentive Single-Tasking of Multiple Tasks", 2019.
    """
    known = {name for task, metrics in figures.items() for name in (task, *(metrics if _several(metrics) else ()))}
    if isinstance(lower_is_better, str) or not set(lower_is_better) <= known:
        raise ValueError(
            f"`lower_is_better` must be a list of names out of {sorted(known)}. Received: {lower_is_better!r}."
        )
    _check_same("single", single, figures)
    gains = []
    for task, value in figures.items():
        several = _several(value)
        value, base = (value, single[task]) if several else ({task: value}, {task: single[task]})
        _check_same(f"single[{task!r}]", base, value)
        signs = {m: -1.0 if {m, task} & set(lower_is_better) else 1.0 for m in value}
        gains.append(sum(signs[m] * _relative(task, m, value[m], base[m]) for m in value) / len(value))
    return 100.0 * sum(gains) / len(gains)


def _several(figures):
    return isinstance(figures, dict)


def _check_same(argument, given, figures):
    if not isinstance(given, dict) or not figures or set(given) != set(figures):
        raise ValueError(f"`{argument}` must have the names of `figures`, {list(figures)}. Received: {given!r}.")


def _relative(task, metric, value, base):
    if not abs(base) > 0:
        raise ValueError(
            f"`single` must hold no figure of 0, as gains are relative to it. Received: {metric!r} of task {task!r}."
        )
    return float(value - base) / abs(float(base))
