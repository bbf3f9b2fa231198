"""Weighting by homoscedastic uncertainty."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import scaled_loss
from mtl_keras.weightings._base import LossScalarizer


@public
class Uncertainty(LossScalarizer):
    """Weights each task by the inverse of a trained noise variance.

    The log-variance s_t of a task is a trainable weight. A large s_t reduces the weight of a noisy task, and the
    second term keeps it from growing without limit. At the optimum, s_t = log L_t.

    objective = Σ_t ½ exp(-s_t) L_t + ½ s_t

    Scale: a task starts with weight ½ exp(-initial_log_variance), 0.5 by default. The objective can be negative,
    but losses must not be. s_t stays in [-30, 30]; the limit matters for a loss that stays at 0. The optimizer of
    the model trains s: exclude it from weight decay with
    `optimizer.exclude_from_weight_decay(var_names=["log_variances"])`. An absent task gives its s_t the gradient
    0, but an optimizer with momentum still moves it.

    Args:
        initial_log_variance: Start value of every s_t. The paper gives none; libraries use 0 or -0.5.
        name: Name of the layer.

    Raises:
        ValueError: If `initial_log_variance` is not a finite number.

    Example:

    ```python
    weighting = mtl.weightings.Uncertainty()
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 1.25
    ```

    Reference:
        Alex Kendall, Yarin Gal, Roberto Cipolla. Multi-Task Learning Using Uncertainty to Weigh Losses for
        Scene Geometry and Semantics. 2018. Every task uses the regression form of the paper. Its classification
        form, exp(-s_t) L_t + ½ s_t, differs only by a shift of s_t.
    """

    lowest_losses = 0.0

    def __init__(self, *, initial_log_variance: float = 0.0, name: str | None = None) -> None:
        super().__init__(name=name)
        self.initial_log_variance = number("initial_log_variance", initial_log_variance)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        start = keras.initializers.Constant(self.initial_log_variance)
        self.log_variances = self.add_weight(name="log_variances", shape=(num_tasks,), initializer=start)

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        s = ops.convert_to_tensor(self.log_variances)  # [T]
        return 0.5 * ops.sum(present * scaled_loss(-s, losses))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial_log_variance": self.initial_log_variance}
