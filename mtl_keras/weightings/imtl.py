"""IMTL: learned scales that balance the losses, then equal projections on the gradients."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import equal_projection_weights
from mtl_keras.weightings._base import GramianWeighting, keep_absent
from mtl_keras.weightings._per_task import preference_of

_LARGEST_LOG_SCALE = 30.0


def imtl_weights(gramian, log_scales, present):
    """Returns the weights [T] of the unscaled gradients: the scales times IMTL-G's weights."""
    scales = ops.exp(ops.cast(log_scales, "float64"))  # [T]
    scaled = scales[:, None] * ops.cast(gramian, "float64") * scales[None, :]  # [T, T]
    weights = equal_projection_weights(scaled, preference_of(None, present))
    return weights * ops.cast(scales, "float32")


@public
class IMTL(GramianWeighting):
    """Scales the losses to one size, then finds the direction with equal projections on all unit gradients.

    IMTL-L learns sᵢ for each task by gradient descent on exp(sᵢ)Lᵢ - sᵢ, whose minimum is exp(sᵢ) = 1 / Lᵢ. IMTL-G
    then solves d·gᵢ/‖gᵢ‖ = const on the gradients of exp(sᵢ)Lᵢ, with weights of sum 1. The scales change the
    length of d, not its direction. The layer takes one gradient step on s per batch; the scales from before this
    step weigh the batch. The tasks' own variables take exp(sᵢ) times their gradient.

    Scale: the weights of the scaled gradients sum to 1, as in the paper. Departures: the slope exp(sᵢ)Lᵢ - 1
    is clipped to [-1, 1], so that a large first loss does not spoil s, and s stays in [-30, 30]. Losses must not
    be negative. Degenerate cases are as in `imtl_g`. One task has weight exp(s), 1 at the start.

    Args:
        learning_rate: Learning rate of the log-scales, above 0.

    Raises:
        ValueError: If `learning_rate` is not positive.

    Example:

    ```python
    imtl = mtl.weightings.IMTL()
    imtl.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(imtl(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.5923, 0.4077]
    ```

    Reference:
        Liyang Liu, Yi Li, Zhanghui Kuang, Jing-Hao Xue, Yimin Chen, Wenming Yang, Qingmin Liao and Wayne
        Zhang, "Towards Impartial Multi-task Learning", 2021.
    """

    apply_to = "all"
    lowest_losses = 0.0

    def __init__(self, *, learning_rate: float = 0.01, name: str | None = None) -> None:
        super().__init__(name=name)
        self.learning_rate = number(
            "learning_rate", learning_rate, above=0, hint='Use weighting="imtl_g" for unscaled losses.'
        )

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.log_scales = self.add_state("log_scales", (num_tasks,))
        self.scales = self.add_state("scales", (num_tasks,), "ones")  # of the last batch

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        log_scales = ops.convert_to_tensor(self.log_scales)  # [T]
        weights = imtl_weights(gramian, log_scales, present)
        self.scales.assign(keep_absent(ops.exp(log_scales), self.scales, present))
        slopes = ops.clip(ops.exp(log_scales) * ops.clip(losses, -1e20, 1e20) - 1.0, -1.0, 1.0)
        moved = log_scales - self.learning_rate * slopes
        moved = ops.clip(moved, -_LARGEST_LOG_SCALE, _LARGEST_LOG_SCALE)
        self.log_scales.assign(keep_absent(moved, log_scales, present))
        return weights

    def own_weights(self, weights: Tensor, losses: Tensor) -> Tensor:
        return ops.convert_to_tensor(self.scales)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "learning_rate": self.learning_rate}
