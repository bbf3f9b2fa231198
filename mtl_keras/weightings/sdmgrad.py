"""SDMGrad: min-norm weights by projected steps, drawn towards a preferred direction."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import project_simplex, to_float32
from mtl_keras.weightings._base import HalvesWeighting, keep_absent
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, preference_of


def sdmgrad_weights(cross, weights, shares, present, *, pull, learning_rate, momentum, steps):
    """Returns the weights w [T] after `steps` projected steps along G'(w + pull·shares), with momentum."""
    cross = ops.cast(cross, "float64")
    shares = ops.cast(shares, "float64")
    count = ops.maximum(ops.sum(ops.cast(present, "float64")), 1.0)
    norm = ops.sum(ops.sqrt(ops.maximum(ops.diagonal(cross), 0.0))) / count  # the mean over the present
    least = 1e-12 * ops.max(ops.abs(cross))
    unit = ops.maximum(norm**2, least)
    cross = cross / ops.where(unit > 0, unit, 1.0)
    weights = ops.cast(weights, "float64")
    velocity = ops.zeros_like(weights)
    for _ in range(steps):
        velocity = momentum * velocity + ops.matmul(cross, weights + pull * shares)
        weights = project_simplex(weights - learning_rate * velocity, present)
    return to_float32(weights)


@public
class SDMGrad(HalvesWeighting):
    """Takes nearly min-norm weights from two independent gradients, pulled towards a preferred direction.

    w minimises ‖Jᵀ(w + pull·p)‖² over the simplex, where p is the preference. Each batch takes a few projected
    steps along G'(w + pull·p), with G' = J₁J₂ᵀ from two halves of the batch, starting at the last w. The direction
    is Jᵀ(w + pull·p) / (1 + pull). A large `pull` gives the plain mean, 0 gives MGDA.

    Scale: the weights sum to 1, as in the paper. G' is divided by the square of the mean norm √G'ᵢᵢ (negative
    ones count as 0), so the steps do not depend on the scale. If tasks are absent, the weights of the others sum
    to 1, and the sum of their states does not change. Departures: two halves of one batch instead of two batches,
    and the gradients of the whole batch instead of a third batch. `learning_rate` is 10 in the authors' programs,
    which often ends in a corner that is worse than equal weights. One task has weight 1.

    Args:
        pull: Strength of the preferred direction, at least 0; lambda in the paper.
        learning_rate: Step size of w, above 0. From about 2 on, w jumps between corners of the simplex.
        momentum: Momentum of the steps on w, in [0, 1).
        steps: Number of steps per batch, at least 1.
        preference: One non-negative number per task; equal by default. Normalised to sum 1 over the present
            tasks.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    sdmgrad = mtl.weightings.SDMGrad()
    sdmgrad.build(2)
    cross = np.array([[1.0, 0.0], [0.0, 2.0]])
    print(sdmgrad(cross, losses=np.ones(2), present=np.ones(2)))  # [0.6665, 0.3335]
    ```

    Reference:
        Peiyao Xiao, Hao Ban and Kaiyi Ji, "Direction-oriented Multi-objective Learning: Simple and Provable
        Stochastic Algorithms", 2023.
    """

    def __init__(
        self,
        *,
        pull: float = 0.3,
        learning_rate: float = 1.0,
        momentum: float = 0.5,
        steps: int = 20,
        preference: Sequence[float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.pull = number("pull", pull, at_least=0, hint="Use pull=0 for MGDA.")
        self.learning_rate = number(
            "learning_rate", learning_rate, above=0, hint='Use weighting="equal" for constant weights.'
        )
        self.momentum = number("momentum", momentum, at_least=0, below=1, hint="Use momentum=0 for none.")
        self.steps = count("steps", steps, hint='Use weighting="equal" for none.')
        self.preference = checked_preference(preference)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("preference", self.preference, num_tasks)
        equal = keras.initializers.Constant(1.0 / num_tasks)
        self.task_weights = self.add_state("task_weights", (num_tasks,), equal)

    def call(self, cross: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        state = ops.convert_to_tensor(self.task_weights)
        shares = preference_of(self.preference, present)
        weights = sdmgrad_weights(
            cross,
            preference_of(state, present),
            shares,
            present,
            pull=self.pull,
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            steps=self.steps,
        )
        share = ops.sum(state * present)
        self.task_weights.assign(keep_absent(weights * share, state, present))
        return (weights + self.pull * shares) / (1.0 + self.pull)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pull": self.pull,
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "steps": self.steps,
            "preference": self.preference,
        }
