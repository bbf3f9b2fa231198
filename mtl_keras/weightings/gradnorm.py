"""GradNorm: learned weights that balance the gradients' norms, with more weight for tasks that learn slowly."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import to_float32
from mtl_keras.linalg.masked import first_value
from mtl_keras.weightings._base import GramianWeighting, keep_absent

_SMALLEST_WEIGHT = 1e-3
_DECAYS = (0.9, 0.999)  # of Adam's two averages


def gradnorm_slopes(gramian, weights, losses, initial_losses, present, *, alpha=1.5):
    """Returns the gradient [T] of Σ |wᵢ‖gᵢ‖ - ḡ·rᵢ^alpha| with respect to w, in units of ḡ."""
    present = ops.cast(present, "float64")
    count = ops.maximum(ops.sum(present), 1.0)
    norms = present * ops.sqrt(ops.cast(ops.diagonal(gramian), "float64"))  # [T]
    mean = ops.sum(ops.cast(weights, "float64") * norms) / count
    norms = norms / ops.where(mean > 0, mean, 1.0)
    initial = ops.cast(initial_losses, "float64")
    known = present * ops.cast(initial > 0, "float64")
    progress = known * ops.cast(losses, "float64") / ops.where(initial > 0, initial, 1.0)  # [T]
    total = ops.sum(progress)
    rates = ops.sum(known) * progress / ops.where(total > 0, total, 1.0)  # [T], of mean 1
    rates = ops.where(known > 0, rates, 1.0)
    return ops.sign(ops.cast(weights, "float64") * norms - rates**alpha) * norms


@public
class GradNorm(GramianWeighting):
    """Learns loss weights that balance the norms of the weighted gradients; tasks that are behind get more.

    The weights w minimise Σ |wᵢ‖gᵢ‖ - ḡ·rᵢ^alpha|. ḡ is the mean of wᵢ‖gᵢ‖. rᵢ is the task's loss over its first
    loss, divided by the mean of these ratios: a task that is behind gets a longer gradient. The layer takes one
    Adam step per batch, and then scales the weights so that those of the present tasks sum to their number. The
    weights from before this step weigh the batch. Only the diagonal of G is read. If the first loss is 0, or a
    later one is more than ten times as large, the later one counts as the first; until there is one, r is 1.
    Losses must not be negative.

    Scale: the weights sum to T, as in the paper, and start at 1. They also act on the tasks' own variables.
    Departures: the norms are over all shared variables (the paper uses the last shared layer;
    `level="features"` is close to that), they are measured in units of ḡ, and a weight stays above 0.001. If all
    gradients are zero, the weights do not change. One task has weight 1.

    Args:
        alpha: How much more tasks that are behind get, at least 0.
        learning_rate: Learning rate of the weights, above 0.

    Raises:
        ValueError: If `alpha` is negative or `learning_rate` not positive.

    Example:

    ```python
    gradnorm = mtl.weightings.GradNorm()
    gradnorm.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    gradnorm(gramian, losses=np.ones(2), present=np.ones(2))
    print(gradnorm(gramian, losses=np.ones(2), present=np.ones(2)))  # [1.025, 0.975]
    ```

    Reference:
        Zhao Chen, Vijay Badrinarayanan, Chen-Yu Lee and Andrew Rabinovich, "GradNorm: Gradient Normalization
        for Adaptive Loss Balancing in Deep Multitask Networks", 2018.
    """

    apply_to = "all"
    lowest_losses = 0.0

    def __init__(self, *, alpha: float = 1.5, learning_rate: float = 0.025, name: str | None = None) -> None:
        super().__init__(name=name)
        self.alpha = number("alpha", alpha, at_least=0, hint="Use alpha=0 for equal norms.")
        self.learning_rate = number(
            "learning_rate", learning_rate, above=0, hint='Use weighting="equal" for constant weights.'
        )

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.task_weights = self.add_state("task_weights", (num_tasks,), "ones")
        self.initial_losses = self.add_state("initial_losses", (num_tasks,))
        self.steps = self.add_state("steps", (num_tasks,))
        self.momentums = self.add_state("momentums", (num_tasks,))
        self.velocities = self.add_state("velocities", (num_tasks,))

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        weights = ops.convert_to_tensor(self.task_weights)  # [T]
        losses = ops.maximum(losses, 0.0)
        initial = first_value(self.initial_losses, losses)
        slopes = gradnorm_slopes(gramian, weights, losses, initial, present, alpha=self.alpha)
        slopes = to_float32(ops.clip(slopes, -1e15, 1e15))  # so that its square is a float32

        first, second = _DECAYS
        steps = self.steps + 1.0
        momentums = first * self.momentums + (1.0 - first) * slopes
        velocities = second * self.velocities + (1.0 - second) * slopes**2
        mean = momentums / (1.0 - first**steps)
        deviation = ops.sqrt(velocities / (1.0 - second**steps))
        moved = weights - self.learning_rate * mean / (deviation + 1e-8)
        moved = present * ops.maximum(moved, _SMALLEST_WEIGHT)
        scale = ops.sum(present) / ops.maximum(ops.sum(moved), _SMALLEST_WEIGHT)

        used = present * weights  # read before the assignment
        self.task_weights.assign(keep_absent(moved * scale, weights, present))
        self.initial_losses.assign(keep_absent(initial, self.initial_losses, present))
        self.momentums.assign(keep_absent(momentums, self.momentums, present))
        self.velocities.assign(keep_absent(velocities, self.velocities, present))
        self.steps.assign(keep_absent(steps, self.steps, present))
        return used

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "learning_rate": self.learning_rate}
