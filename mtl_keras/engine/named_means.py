"""The means of several numbers as one metric."""

import keras
from keras import ops

from mtl_keras._types import Tensor


class NamedMeans(keras.metrics.Metric):
    """The means of several numbers over the steps, each reported under its name: one metric for all tasks.

    Args:
        names: The names in the logs.
    """

    def __init__(self, names: list[str]):
        super().__init__(name="means")
        self.names = list(names)
        self.total = self.add_variable((len(self.names),), "zeros", name="total")
        self.count = self.add_variable((len(self.names),), "zeros", name="count")

    def update_state(self, values: Tensor, counts: Tensor) -> None:
        """Adds values [n] with their counts [n]."""
        self.total.assign_add(values * counts)
        self.count.assign_add(counts)

    def result(self) -> dict[str, Tensor]:
        means = ops.divide_no_nan(self.total, self.count)
        return dict(zip(self.names, ops.unstack(means), strict=True))
