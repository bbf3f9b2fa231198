"""About eight candidates that are worth trying."""

import inspect
from collections.abc import Callable
from typing import Any

from mtl_keras.study import _check
from mtl_keras.study.spaces import LossWeights

_LARGE = 2_000_000  # parameters of the model; from here on, schemes that multiply the tower are left out
_MANY = 12  # tasks; above it, these schemes are left out too


def shortlist(build: Callable, tasks: list[str]) -> dict[str, dict[str, Any]]:
    """Returns `{name: parameters}` for a `build` that takes `sharing` and `weighting`.

    The rule: always the single-task models, the plain sum, `uncertainty` and `famo`. If `build` takes `level`, one
    method on the gradients at the features: `pcgrad` for up to five tasks, `cagrad` above. If it takes `loss_weights`,
    the tuned sum. `mmoe` and `cross_stitch` multiply the tower: they are left out above twelve tasks, and from two
    million parameters on.

    Args:
        build: The function.
        tasks: Names of the tasks.

    Raises:
        ValueError: If `build` does not take `sharing` and `weighting`.
    """
    _check.check_names('"shortlist"', {"sharing": None, "weighting": None}, build)
    parameters = inspect.signature(build).parameters
    whatever = any(p.kind == p.VAR_KEYWORD for p in parameters.values())
    found: dict[str, dict[str, Any]] = {"single-task": {"sharing": "single_task"}, "sum": {}}
    if (whatever or "loss_weights" in parameters) and len(tasks) > 1:
        found["tuned sum"] = {"loss_weights": LossWeights(tasks)}
    found |= {name: {"weighting": name} for name in ("uncertainty", "famo")}
    if whatever or "level" in parameters:
        gramian = "pcgrad" if len(tasks) <= 5 else "cagrad"
        found[gramian] = {"weighting": gramian, "level": "features"}
    if len(tasks) <= _MANY and _check.built(build, "the defaults").count_params() < _LARGE:
        found |= {name: {"sharing": name} for name in ("mmoe", "cross_stitch")}
    return found
