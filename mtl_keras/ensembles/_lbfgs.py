"""Minimises a smooth function by its gradient."""

from collections import deque
from collections.abc import Callable

import numpy as np

_MEMORY = 10
_HALVINGS = 20


def minimise(gradient: Callable[[np.ndarray], np.ndarray], start: np.ndarray, max_iters: int, eps: float) -> np.ndarray:
    """Returns a point where the gradient is about 0, by L-BFGS.

    A step is accepted by the slope at its end, not by the value of the function: slopes stay exact when values no
    longer differ in single precision.

    Args:
        gradient: Function of a point [P] that returns the gradient [P].
        start: Initial point. [P]
        max_iters: Maximum number of steps.
        eps: Stops when no entry of the gradient is larger.
    """
    point, slope = start.astype("float64"), gradient(start)
    pairs: deque = deque(maxlen=_MEMORY)
    for _ in range(max_iters):
        if np.abs(slope).max() <= eps:
            break
        direction = _direction(slope, pairs)
        if direction @ slope >= 0:  # the function is not convex
            pairs.clear()
            direction = _direction(slope, pairs)
        size, new_slope = _line(gradient, point, direction, slope)
        change, difference = size * direction, new_slope - slope
        if change @ difference > 1e-12 * np.linalg.norm(change) * np.linalg.norm(difference):
            pairs.append((change, difference))
        elif not pairs:
            break
        else:
            pairs.clear()
        point, slope = point + change, new_slope
    return point


def _direction(slope, pairs):
    """Returns minus the gradient times the approximate inverse of the Hessian, by the two loops."""
    if not pairs:
        return -slope / max(1.0, np.linalg.norm(slope))
    direction, kept = -slope, []
    for change, difference in reversed(pairs):
        factor = (change @ direction) / (change @ difference)
        direction = direction - factor * difference
        kept.append(factor)
    change, difference = pairs[-1]
    direction = direction * (change @ difference) / (difference @ difference)
    for (change, difference), factor in zip(pairs, reversed(kept), strict=True):
        direction = direction + (factor - (difference @ direction) / (change @ difference)) * change
    return direction


def _line(gradient, point, direction, slope):
    """Returns a step along a direction, with a small or still falling slope at its end, and the gradient there."""
    low, high, size, steepness = 0.0, np.inf, 1.0, direction @ slope
    for _ in range(_HALVINGS):
        new = gradient(point + size * direction)
        along = direction @ new
        if not np.isfinite(along) or along > -0.9 * steepness:
            high = size
        elif along < 0.9 * steepness:
            low = size
        else:
            break
        size = (low + high) / 2 if np.isfinite(high) else 2 * size
    return size, new
