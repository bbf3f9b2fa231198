"""Single-task models that together have as many parameters as the shared model."""

import inspect
from collections.abc import Callable
from typing import Any

from mtl_keras.study import _check


def equal_size(build: Callable, parameters: dict[str, Any], width: Any) -> dict[str, Any]:
    """Returns parameters of `build` with the width that makes the model closest in size to the default model.

    Args:
        build: Function that returns a compiled model.
        parameters: Parameters of the baseline.
        width: Name of the parameter to change.

    Raises:
        ValueError: If the parameter has no integer default, or a larger value does not make the model larger.
    """
    _check.check_names("equal_size", {width: None}, build)
    known = inspect.signature(build).parameters.get(width)
    most = parameters.get(width, None if known is None else known.default)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise ValueError(
            f"`equal_size` must be a parameter of `build` whose default is an integer, such as a width. "
            f"Received: equal_size={width!r}, with the default {most!r}."
        )

    def size(value: int) -> int:
        made = lambda: build(**{**parameters, width: value})  # noqa: E731
        return _check.built(made, f"{width}={value}").count_params()

    target = _check.built(build, "the defaults").count_params()
    low, high = 1, most
    while high - low > 1:  # `low` is too small, or the smallest value
        middle = (low + high) // 2
        low, high = (low, middle) if size(middle) > target else (middle, high)
    sizes = {value: size(value) for value in {low, high}}
    if len(sizes) > 1 and sizes[low] >= sizes[high]:
        raise ValueError(f"`equal_size` must be a parameter that makes the model larger. Received: {width!r}.")
    return {**parameters, width: min(sizes, key=lambda value: abs(sizes[value] - target))}
