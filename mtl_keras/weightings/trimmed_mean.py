"""The coordinate-wise mean without the extremes."""

from typing import Any

from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import GradientAggregator


def trimmed_mean(rows, present, *, trim):
    """Returns the mean of every column without its `trim` largest and `trim` smallest entries.

    Args:
        rows: Task gradients. [T, P]
        present: 1 for a task with labels in the batch, else 0. [T]
        trim: Number of entries to drop at each end; fewer if few tasks are present, so that one entry
            (of an odd number) or two (of an even number) are left.

    Returns:
        The direction. [P]
    """
    count = ops.sum(present)
    trim = ops.minimum(float(trim), ops.floor(ops.maximum(count - 1.0, 0.0) / 2.0))
    last = ops.where(present[:, None] > 0, rows, float("inf"))
    ascending = ops.sort(last, axis=0)  # absent tasks come last  [T, P]
    rank = ops.arange(rows.shape[0], dtype="float32")[:, None]  # [T, 1]
    kept = ops.logical_and(rank >= trim, rank < count - trim)
    return ops.sum(ops.where(kept, ascending, 0.0), axis=0) / ops.maximum(count - 2.0 * trim, 1.0)


@public
class TrimmedMean(GradientAggregator):
    """Averages the task gradients coordinate by coordinate, without the largest and the smallest entries.

    d_p = mean of the entries g_tp without the `trim` largest and the `trim` smallest

    If a batch has labels of at most 2·trim tasks, fewer entries are dropped at each end, so that one or two are
    left: the median.

    Scale: a mean, as in the paper, so about 1/T of the plain sum. A single task has its plain gradient.

    Args:
        trim: Number of entries to drop at each end, at least 0 and below T / 2.
        name: Name of the layer.

    Raises:
        ValueError: If `trim` is negative; at `build`, if there are several tasks and no entry would be left.

    Example:

    ```python
    weighting = mtl.weightings.TrimmedMean(trim=1)
    weighting.num_parameters = 2  # `compile` does this
    weighting.build(3)
    rows = np.array([[-9.0, 1.0], [2.0, 3.0], [4.0, 99.0]], "float32")
    weighting(rows, np.ones(3, "float32"), np.ones(3, "float32"))  # [2, 3]
    ```

    Reference:
        Dong Yin, Yudong Chen, Kannan Ramchandran, Peter Bartlett. Byzantine-Robust Distributed Learning:
        Towards Optimal Statistical Rates. 2018. The paper drops a share of the entries; here it is a number.
    """

    by_column = True

    def __init__(self, *, trim: int = 1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.trim = count("trim", trim, at_least=0)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        if num_tasks > 1:
            count("trim", self.trim, at_least=0, at_most=(num_tasks - 1) // 2)

    def call(self, rows: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        return trimmed_mean(rows, present, trim=self.trim)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "trim": self.trim}
