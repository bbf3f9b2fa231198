"""The losses of single labels, and their reduction to the loss of a batch."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from mtl_keras._types import Tensor
from mtl_keras._weights import as_rank, there, times


class Entries(NamedTuple):
    """The loss of each label of one task in a batch, and how much it counts.

    A label of weight 0 is missing: the loss of a batch is Σ wᵢ·fᵢ·lᵢ / n over its n labels whose weight is not 0.

    Args:
        values: The loss of each label. [B, ...]
        weight: The weight of each label, with the same number of axes as the values; None for 1.
        factor: A factor of each label that does not make it missing, such as a class weight; shaped like `weight`.
        reduction: Reduction of the losses, as in Keras.
    """

    values: Tensor
    weight: Tensor | None
    factor: Tensor | None
    reduction: str

    def of_rows(self, rows: Tensor) -> "Entries":
        """Returns the entries of some of the rows, [B] of 1 and 0; the others are missing."""
        return self._replace(weight=times(as_rank(rows, len(self.values.shape)), self.weight))

    def num_there(self) -> Tensor:
        """Returns the number of labels that are not missing. Float scalar"""
        if self.weight is None:
            return ops.cast(ops.size(self.values), "float32")
        return ops.sum(ops.ones_like(self.values, dtype="float32") * there(self.weight))

    @property
    def is_by_weight(self) -> bool:
        """Whether the sum of the losses is divided by the sum of the weights instead of the number of labels."""
        return self.reduction == "mean_with_sample_weight" and self._product() is not None

    def size(self) -> Tensor:
        """Returns the divisor of the sum of the losses."""
        if not self.is_by_weight:
            return self.num_there()
        return ops.sum(ops.ones_like(self.values) * self._product())

    def total(self) -> Tensor:
        """Returns the weighted sum of the losses of the labels that are not missing."""
        values = self.values
        if self.weight is not None:
            values = ops.where(ops.not_equal(self.weight, 0), values, 0.0)  # 0 times NaN would be NaN
        product = self._product()
        return ops.sum(values if product is None else values * product)

    def loss(self, size: Tensor) -> Tensor:
        """Returns the loss, given the divisor of the sum."""
        return self.total() if self.reduction == "sum" else ops.divide_no_nan(self.total(), size)

    def _product(self):
        return times(self.weight, self.factor)


class EntriesOfBatch(NamedTuple):
    """The same for a loss of the whole batch, which is not a mean over labels.

    Args:
        function: Function of weights that returns the loss.
        labels: Ones in the shape of the labels.
        weight: Weight of each label; None for 1.
        factor: A factor of each label that does not make it missing; None for 1.
    """

    function: Callable[[Tensor | None], Tensor]
    labels: Tensor
    weight: Tensor | None
    factor: Tensor | None

    is_by_weight = False

    def of_rows(self, rows: Tensor) -> "EntriesOfBatch":
        return self._replace(weight=times(rows, self.weight))

    def num_there(self) -> Tensor:
        return ops.sum(self.labels if self.weight is None else there(self.weight))

    def size(self) -> Tensor:
        return self.num_there()

    def loss(self, size: Tensor) -> Tensor:
        """Returns the loss; on one of several replicas, its share in proportion to the labels."""
        return self.function(times(self.weight, self.factor)) * ops.divide_no_nan(self.num_there(), size)
