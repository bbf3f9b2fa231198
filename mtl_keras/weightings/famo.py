"""Fast adaptive multi-task optimization."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import clamped_log, masked_softmax
from mtl_keras.weightings._base import LossScalarizer, keep_absent
from mtl_keras.weightings._per_task import check_one_per_task, numbers_per_task

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8  # of Adam


def famo_weights(logits, losses, present, *, eps):
    """Returns the weights w_t = c z_t / L_t with z = softmax(logits) and c such that they sum to 1. [T]"""
    weights = masked_softmax(logits, present) / ops.maximum(losses, eps)
    total = ops.sum(weights)
    return weights / ops.where(total > 0, total, 1.0)


def famo_gradient(logits, change, present):
    """Returns (∂ softmax(logits) / ∂ logits)ᵀ · change, over the present tasks. [T]"""
    z = masked_softmax(logits, present)
    return z * (change - ops.sum(z * change))


@public
class FAMO(LossScalarizer):
    """Weights the tasks so that all losses fall at the same relative rate, without gradients of single tasks.

    z = softmax(ξ),  objective = c Σ_t z_t log(L_t - b_t),  1 / c = Σ_t z_t / (L_t - b_t), c held constant
    after the step:  ξ ← Adam step along  (∂z / ∂ξ)ᵀ (log(L_before - b) - log(L_after - b)) + decay ξ

    The logits ξ have their own Adam optimizer, whose moments are state of the layer. A second forward pass over
    the batch computes the losses after the step.

    Scale: the effective weights c z_t / (L_t - b_t) sum to 1; a single task has weight 1. No loss may be below
    `min_losses`. A loss within `eps` of its bound takes no part in the batch. A loss close to its bound gets
    nearly all of the weight, and the other tasks nearly stop: as in the paper, set a lower `min_losses` for a
    loss that reaches its minimum.

    Args:
        learning_rate: Learning rate of the logits, above 0.
        decay: Weight decay of the logits, added to their gradient, at least 0.
        min_losses: Lower bound b of each loss, one number per task; 0 by default.
        eps: A loss that is closer to its bound than this counts as being at it. Above 0.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is outside its range, or, at `build`, if `min_losses` does not have one number
            per task.

    Example:

    ```python
    weighting = mtl.weightings.FAMO()
    weighting.build(2)
    before, after, present = np.array([[0.5, 2.0], [0.4, 2.0], [1.0, 1.0]], "float32")
    weighting(before, present)  # the weights are 0.8 and 0.2
    weighting.after_step(before, after, present)  # the second task gains weight
    ```

    Reference:
        Bo Liu, Yihao Feng, Peter Stone, Qiang Liu. FAMO: Fast Adaptive Multitask Optimization. 2023. The
        paper writes the update of the logits as plain gradient descent; its code uses Adam, as here. The paper
        tunes `decay` per data set; other implementations start from 1e-5, 1e-3 or 1e-2.
    """

    reads_losses_after_step = True

    def __init__(
        self,
        *,
        learning_rate: float = 0.025,
        decay: float = 1e-3,
        min_losses: Sequence[float] | None = None,
        eps: float = 1e-12,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.learning_rate = number("learning_rate", learning_rate, above=0)
        self.decay = number("decay", decay, at_least=0)
        self.min_losses = numbers_per_task("min_losses", min_losses)
        self.lowest_losses = self.min_losses or 0.0
        self.eps = number("eps", eps, above=0)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("min_losses", self.min_losses, num_tasks)
        self.logits = self.add_state("logits", (num_tasks,))
        self.first_moment = self.add_state("first_moment", (num_tasks,))
        self.second_moment = self.add_state("second_moment", (num_tasks,))
        self.steps = self.add_state("steps", (num_tasks,))

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        above = self._above(losses)  # [T]
        present = present * ops.cast(above > self.eps, "float32")
        weights = ops.stop_gradient(famo_weights(self.logits, above, present, eps=self.eps))
        # A gradient of weights · above, and the value of c Σ z log(above).
        scale = weights * ops.stop_gradient(ops.maximum(above, self.eps))  # c z  [T]
        return ops.sum(scale * ops.where(present > 0, clamped_log(above, self.eps), 0.0))

    def after_step(self, losses_before: Tensor, losses_after: Tensor, present: Tensor) -> None:
        above = self._above(losses_before)
        present = present * ops.cast(above > self.eps, "float32")
        change = clamped_log(above, self.eps) - clamped_log(self._above(losses_after), self.eps)
        change = ops.where(present > 0, change, 0.0)  # [T]
        finite = ops.all(ops.isfinite(change))  # otherwise the logits stay unchanged: the step overshot
        present = present * ops.cast(finite, "float32")
        gradient = famo_gradient(self.logits, change, present) + self.decay * self.logits  # [T]
        first = _BETA_1 * self.first_moment + (1.0 - _BETA_1) * gradient
        second = _BETA_2 * self.second_moment + (1.0 - _BETA_2) * ops.square(gradient)
        steps = self.steps + 1.0
        unbiased = ops.sqrt(second / (1.0 - ops.power(_BETA_2, steps)))
        step = first / (1.0 - ops.power(_BETA_1, steps)) / (unbiased + _EPSILON)
        for variable, value in (
            (self.logits, self.logits - self.learning_rate * step),
            (self.first_moment, first),
            (self.second_moment, second),
            (self.steps, steps),
        ):
            variable.assign(keep_absent(value, variable, present))

    def get_config(self) -> dict[str, Any]:
        config = {"learning_rate": self.learning_rate, "decay": self.decay}
        return {**super().get_config(), **config, "min_losses": self.min_losses, "eps": self.eps}

    def _above(self, losses):
        bounds = self.min_losses or (0.0,) * self.num_tasks
        return losses - ops.convert_to_tensor(bounds, "float32")
