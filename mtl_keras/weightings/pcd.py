"""PCD: one task comes first, and the others keep a guaranteed part of their progress."""

from typing import Any

from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import nonnegative_qp, to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting, keep_absent

_HINT = "Use primary=0 for the first task, or its name."
_ROUND_OFF = 1e-6  # of a length that is computed from the Gramian, relative and squared


def pcd_weights(gramian, scales, primary, *, progress=0.02):
    """Returns the weights [T] of d, and the residual of its conditions.

    d is the nearest direction to the primary task's s·g with sⱼgⱼᵀd >= progress·‖sⱼgⱼ‖² for the others, at
    the length of the primary gradient.

    Args:
        gramian: G = J·Jᵀ. [T, T]
        scales: The factor s of each gradient. [T]
        primary: 1 for the primary task, 0 for the others. [T]
        progress: Share of its own progress that each task must keep. A number.
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    primary = ops.cast(primary, "float64")
    others = used * (1.0 - primary)
    lengths = norms * ops.cast(scales, "float64")  # of the gradients as scaled [T]
    first = ops.sum(primary * lengths)
    unit = ops.maximum(first, ops.max(lengths * others))
    lengths = lengths / ops.where(unit > 0, unit, 1.0)

    matrix = others[:, None] * others[None, :] * cosines
    slopes = ops.matmul(cosines, primary * lengths) - progress * lengths  # of d = s·g at each other task [T]
    z, _ = nonnegative_qp(matrix, (others * slopes)[None, :])
    combined = primary * lengths + z[0]  # of unit gradients [T]
    gaps = others * ops.minimum(z[0], ops.matmul(cosines, combined) - progress * lengths)
    square = ops.sum(combined * ops.matmul(cosines, combined))
    vanished = square <= _ROUND_OFF * ops.sum(ops.abs(combined)) ** 2
    wanted = ops.sum(primary * norms) / ops.sqrt(ops.where(vanished, 1.0, square))
    weights = combined * wanted / ops.where(nonzero, norms, 1.0)
    weights = ops.where(ops.logical_or(vanished, first <= 0), 0.0, weights)
    return to_float32(weights), to_float32(ops.max(ops.abs(gaps)))


@public
class PCD(GramianWeighting):
    """Follows one primary task as closely as possible, while every other task makes a guaranteed progress.

    Each gradient is divided by the root of a moving average of its squared norm, which gives g̃. d is the nearest
    direction to the primary task's g̃ with g̃ⱼᵀd >= progress·‖g̃ⱼ‖² for each other task j. Then d gets the
    length of the primary gradient. Block principal pivoting solves this quadratic program exactly.

    Scale: ‖d‖ is the norm of the primary gradient, as in the paper. The weights are 0 if the primary gradient
    is zero, d is zero, or the primary task is absent. If the constraints exclude each other, the residual is
    above the bound, and the primary gradient alone is used with weight 1. A zero gradient of another task has
    weight 0. One task has weight 1.

    Args:
        primary: Name of the primary task, or its position in the model's order of tasks.
        progress: Guaranteed progress of each other task, relative to a step along its own gradient, in [0, 1].
        decay: Share of the old average of the squared norms that is kept in a step, in [0, 1).
        eps: Added to the average, at least 0.

    Raises:
        ValueError: If an argument is out of range; at `build`, if the model has no such `primary` task.

    Example:

    ```python
    pcd = mtl.weightings.PCD(primary=1)
    pcd.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(pcd(gramian, losses=np.ones(2), present=np.ones(2)))  # [2.3124, 1.8481]
    ```

    Reference:
        "Not All Objectives Are Born Equal: Priority-Constrained Descent for Hierarchical Multi-Objective
        Optimization", 2026.
    """

    residual_bound = 1e-4

    def __init__(
        self,
        *,
        primary: int | str = 0,
        progress: float = 0.02,
        decay: float = 0.999,
        eps: float = 1e-8,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.primary = primary if isinstance(primary, str) else count("primary", primary, at_least=0, hint=_HINT)
        self.progress = number("progress", progress, at_least=0, at_most=1, hint="Use progress=0 for none.")
        self.decay = number("decay", decay, at_least=0, below=1, hint="Use decay=0 for the batch's norms.")
        self.eps = number("eps", eps, at_least=0, hint="Use eps=0 for tiny gradients.")

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        if isinstance(self.primary, str):
            self.position = self.task_index(self.primary)
        else:
            self.position = count("primary", self.primary, at_least=0, at_most=num_tasks - 1, hint=_HINT)
        self.needs = (self.position,)
        self.squares = self.add_state("squares", (num_tasks,))
        self.steps = self.add_state("steps", (num_tasks,))

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        steps = keep_absent(self.steps + 1.0, self.steps, present)
        squares = self.decay * self.squares + (1.0 - self.decay) * ops.diagonal(gramian)
        squares = keep_absent(squares, self.squares, present)
        self.steps.assign(steps)
        self.squares.assign(squares)
        counts = ops.maximum(ops.cast(steps, "float64"), 1.0)
        means = ops.cast(squares, "float64") / (1.0 - self.decay**counts)
        roots = ops.sqrt(means + self.eps)
        scales = ops.where(roots > 0, 1.0 / ops.where(roots > 0, roots, 1.0), 0.0)  # [T]
        primary = ops.one_hot(self.position, self.num_tasks, dtype="float32")
        weights, residual = pcd_weights(gramian, scales, primary, progress=self.progress)
        return self.certified(weights, residual, primary * present)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "primary": self.primary,
            "progress": self.progress,
            "decay": self.decay,
            "eps": self.eps,
        }
