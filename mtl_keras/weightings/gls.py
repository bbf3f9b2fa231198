"""The geometric mean of the losses."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import clamped_log
from mtl_keras.weightings._base import LossScalarizer


def geometric_mean(losses, present, *, eps):
    """Returns the geometric mean of the present losses, computed in log space.

    Args:
        losses: The losses. [T]
        present: 1 for a task with labels in the batch, else 0. [T]
        eps: Losses up to this take no part.

    Returns:
        The mean, 0 if no task takes part. Scalar.
    """
    present = present * ops.cast(losses > eps, losses.dtype)
    logs = ops.where(present > 0, clamped_log(losses, eps), 0.0)  # [T]
    count = ops.sum(present)
    return ops.where(count > 0, ops.exp(ops.sum(logs) / ops.maximum(count, 1.0)), 0.0)


@public
class GLS(LossScalarizer):
    """Minimizes the geometric mean of the losses, so that no loss dominates because of its unit.

    objective = (Π_t L_t)^(1/T), computed as exp(1/T Σ_t log L_t), which does not over- or underflow

    Scale: the effective weight of a task is objective / (T L_t); a single task has weight 1. Losses must not
    be negative. A loss of at most `eps` takes no part in the batch: it has nothing to learn, and would stop the
    other tasks.

    Args:
        eps: Losses up to this count as 0. Above 0.
        name: Name of the layer.

    Raises:
        ValueError: If `eps` is not positive.

    Example:

    ```python
    weighting = mtl.weightings.GLS()
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 1.0
    ```

    Reference:
        Sumanth Chennupati, Ganesh Sistu, Senthil Yogamani, Samir Rawashdeh. MultiNet++: Multi-Stream Feature
        Aggregation and Geometric Loss Strategy for Multi-Task Learning. 2019. Without its focused variant.
    """

    lowest_losses = 0.0

    def __init__(self, *, eps: float = 1e-12, name: str | None = None) -> None:
        super().__init__(name=name)
        self.eps = number("eps", eps, above=0)

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        return geometric_mean(losses, present, eps=self.eps)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "eps": self.eps}
