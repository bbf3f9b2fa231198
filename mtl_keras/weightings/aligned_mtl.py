"""Aligned-MTL: gradients made orthogonal and of equal length by the nearest linear map."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import spectrum, to_float32
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, preference_of

_SCALES = ("min", "median", "rmse")


def aligned_mtl_weights(gramian, shares, *, scale="min"):
    """Returns the weights B·shares [T] with B = s·V·Σ^-1·Vᵀ, where G = V·Σ²·Vᵀ."""
    gramian = ops.cast(gramian, "float64")
    largest = ops.max(ops.diagonal(gramian))
    values, vectors, counts = spectrum(gramian / ops.where(largest > 0, largest, 1.0))
    rank = ops.sum(counts)
    position = ops.cumsum(counts)  # 1 .. rank over the counted eigenvalues, in ascending order
    at = {"min": 1.0, "median": ops.floor((rank + 1.0) / 2.0), "rmse": 0.0}[scale]
    picked = ops.sum(ops.where(ops.logical_and(counts > 0, position == at), values, 0.0))
    level = ops.sum(values) / ops.maximum(rank, 1.0) if scale == "rmse" else picked
    stretch = counts * ops.sqrt(level / ops.where(counts > 0, values, 1.0))  # [T]
    coordinates = ops.matmul(ops.cast(shares, "float64"), vectors)  # [T]
    weights = ops.matmul(vectors, stretch * coordinates)
    return ops.where(rank > 0, to_float32(weights), shares)


@public
class AlignedMTL(GramianWeighting):
    """Replaces the gradients by the nearest orthogonal gradients of equal length, and adds these up.

    With G = V·Σ²·Vᵀ the balance matrix is B = s·V·Σ^-1·Vᵀ, and the weights are B·p for the preference p. The
    condition number of the linear system of gradients becomes 1: no task dominates, and none conflict.

    Scale: p sums to 1, as in the paper; `scale` sets the length s of the aligned gradients. Directions whose
    eigenvalue is below T · 1.2e-7 of the largest are round-off and are left out. The result jumps where a
    gradient comes close to that limit. If all gradients are zero, the weights are p. One task has weight 1.

    Args:
        scale: Which s² to take: the smallest eigenvalue of G (`"min"`, the paper), the lower median of the
            eigenvalues (`"median"`) or their mean (`"rmse"`).
        preference: One non-negative number per task; equal by default. Normalised to sum 1 over the present
            tasks.

    Raises:
        ValueError: If `scale` is unknown, or `preference` cannot be normalised.

    Example:

    ```python
    aligned = mtl.weightings.AlignedMTL()
    aligned.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(aligned(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.5591, 0.4083]
    ```

    Reference:
        Dmitry Senushkin, Nikolay Patakin, Arseny Kuznetsov and Anton Konushin, "Independent Component
        Alignment for Multi-Task Learning", 2023.
    """

    def __init__(
        self, *, scale: str = "min", preference: Sequence[float] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.scale = choice("scale", scale, _SCALES, hint='Use "min" for the paper\'s.')
        self.preference = checked_preference(preference)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("preference", self.preference, num_tasks)

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        return aligned_mtl_weights(gramian, preference_of(self.preference, present), scale=self.scale)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "preference": self.preference}
