"""Dynamic weight average."""

from typing import Any

from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import masked_softmax
from mtl_keras.weightings._base import LossScalarizer, keep_absent

_LARGEST = 1e30  # bound of a ratio, to stay finite


def dwa_weights(means, present, *, temperature):
    """Returns the task weights from the mean losses of the last two periods.

    Args:
        means: Mean loss of the last period and of the one before; 0 if unknown. [T, 2]
        present: 1 for a task with labels in the batch, else 0. [T]
        temperature: Softmax temperature. Higher values give more even weights.

    Returns:
        The weights, whose sum is the number of present tasks. [T]
    """
    last, before = means[:, 0], means[:, 1]
    known = before > 0
    ratio = ops.where(known, last / ops.where(known, before, 1.0), 1.0)  # [T]
    softmax = masked_softmax(ops.minimum(ratio, _LARGEST) / temperature, present)
    return ops.sum(present) * softmax


@public
class DWA(LossScalarizer):
    """Gives more weight to tasks whose loss falls slowly from one epoch to the next.

    w = T softmax(r / temperature),  r_t = mean loss of the last epoch / mean loss of the epoch before
    objective = Σ_t w_t L_t

    All weights are 1 during the first two epochs: a training of one or two epochs is the plain sum. With
    `window`, a period is a number of batches instead of an epoch. The ratio of a task is 1 if the earlier mean is
    not positive.

    Scale: the weights sum to the number of present tasks, as in the paper; a single task has weight 1.
    Losses must not be negative.

    Args:
        temperature: Softmax temperature, above 0. Higher values give more even weights.
        window: Number of batches in a period; None for one epoch.
        name: Name of the layer.

    Raises:
        ValueError: If `temperature` is not positive or `window` is below 1.

    Example:

    ```python
    weighting = mtl.weightings.DWA(temperature=2.0)
    weighting.build(2)
    for epoch, losses in enumerate([[1.0, 1.0], [0.5, 1.0]]):
        weighting(np.array(losses, "float32"), np.ones(2, "float32"))
        weighting.on_epoch_end(epoch)
    # The weights are now 0.876 and 1.124.
    ```

    Reference:
        Shikun Liu, Edward Johns, Andrew J. Davison. End-to-End Multi-Task Learning with Attention. 2019. The
        windows are not in the paper.
    """

    lowest_losses = 0.0

    def __init__(self, *, temperature: float = 2.0, window: int | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.temperature = number("temperature", temperature, above=0)
        self.window = None if window is None else count("window", window)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.means = self.add_state("means", (num_tasks, 2))  # last period, period before
        self.totals = self.add_state("totals", (num_tasks,))
        self.counts = self.add_state("counts", (num_tasks,))
        self.steps = self.add_state("steps", ())

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        weights = ops.stop_gradient(dwa_weights(self.means, present, temperature=self.temperature))
        self.totals.assign_add(ops.stop_gradient(losses) * present)
        self.counts.assign_add(present)
        if self.window is not None:
            self.steps.assign_add(1.0)
            self._close_period(self.steps >= self.window)
        return ops.sum(weights * losses)

    def on_epoch_end(self, epoch: int) -> None:
        if self.window is None:
            self._close_period(True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature, "window": self.window}

    def _close_period(self, over):
        """Stores the mean losses of the period if it is `over`, and starts the next one."""
        keep = 1.0 - ops.cast(over, "float32")
        mean = self.totals / ops.maximum(self.counts, 1.0)  # [T]
        means = ops.stack([mean, self.means[:, 0]], axis=1)  # [T, 2]
        self.means.assign(keep_absent(means, self.means, (1.0 - keep) * self.counts))
        for variable in (self.totals, self.counts, self.steps):
            variable.assign(keep * variable)
