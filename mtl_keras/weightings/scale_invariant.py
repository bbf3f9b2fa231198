"""The sum of the logarithms of the losses."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import clamped_log
from mtl_keras.weightings._base import LossScalarizer


@public
class ScaleInvariant(LossScalarizer):
    """Adds up the logarithms of the losses, so that the unit of a loss has no effect on the gradients.

    objective = Σ_t log L_t

    Scale: the effective weight of a task is 1 / L_t, even for a single task. Losses must not be negative. A loss
    below `eps` counts as `eps` and has gradient 0, as a non-negative loss has at its minimum 0.

    Args:
        eps: Losses up to this count as 0. Above 0.
        name: Name of the layer.

    Raises:
        ValueError: If `eps` is not positive.

    Example:

    ```python
    weighting = mtl.weightings.ScaleInvariant()
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 0.0
    ```

    Reference:
        Aviv Navon, Aviv Shamsian, Idan Achituve, Haggai Maron, Kenji Kawaguchi, Gal Chechik, Ethan Fetaya.
        Multi-Task Learning as a Bargaining Game. 2022 (there a baseline).
    """

    lowest_losses = 0.0

    def __init__(self, *, eps: float = 1e-12, name: str | None = None) -> None:
        super().__init__(name=name)
        self.eps = number("eps", eps, above=0)

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        return ops.sum(ops.where(present > 0, clamped_log(losses, self.eps), 0.0))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "eps": self.eps}
