"""The largest of the weighted losses."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import masked_logits
from mtl_keras.weightings._base import LossScalarizer
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, numbers_per_task, preference_of


def tchebycheff(losses, present, shares, reference):
    """Returns max_t w_t (L_t - z_t) over the present tasks, with w the shares.

    Args:
        losses: The losses. [T]
        present: 1 for a task with labels in the batch, else 0. [T]
        shares: The preference, which sums to 1 over the present tasks. [T]
        reference: The ideal point z. [T]

    Returns:
        The value, 0 if all tasks are absent. Scalar.
    """
    weighted = shares * (losses - reference)  # [T]
    return ops.where(ops.any(present > 0), ops.max(masked_logits(weighted, present)), 0.0)


@public
class Tchebycheff(LossScalarizer):
    """Minimizes the largest of the weighted losses.

    objective = max_t w_t (L_t - z_t),  Σ_t w_t = 1 over the present tasks

    Scale: in each step the worst task has weight w_t and the others 0 (equal maxima share it). A single task has
    weight 1. Losses may be any real numbers. `STCH` is the smooth form, which converges faster.

    Args:
        preference: One non-negative number per task; equal by default. Normalised to sum 1 over the present
            tasks.
        reference: The ideal point z: for each task a loss that cannot be reached; 0 by default.
        name: Name of the layer.

    Raises:
        ValueError: If `preference` cannot be normalised; at `build`, if `preference` or `reference` does not
            have one number per task.

    Example:

    ```python
    weighting = mtl.weightings.Tchebycheff(preference=[3, 1])
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # max(0.375, 0.5) = 0.5
    ```

    Reference:
        V. Joseph Bowman. On the Relationship of the Tchebycheff Norm and the Efficient Frontier of
        Multiple-Criteria Objectives. 1976.
    """

    def __init__(
        self,
        *,
        preference: Sequence[float] | None = None,
        reference: Sequence[float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.preference = checked_preference(preference)
        self.reference = numbers_per_task("reference", reference)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("preference", self.preference, num_tasks)
        check_one_per_task("reference", self.reference, num_tasks)

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        shares = preference_of(self.preference, present)  # [T]
        reference = ops.convert_to_tensor(self.reference or (0.0,) * self.num_tasks, "float32")
        return tchebycheff(losses, present, shares, reference)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "preference": self.preference, "reference": self.reference}
