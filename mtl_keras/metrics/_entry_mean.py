"""The mean of one value per label."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from mtl_keras._types import Tensor
from mtl_keras._weights import as_rank


class EntryMean(keras.metrics.Mean):
    """The mean over labels of a function of (y_true, y_pred), each with its weight.

    `keras.metrics.MeanMetricWrapper` takes the mean of each row first, so a label in a short row counts more than
    one in a long row, and the weight of a single entry applies to the whole row.

    Args:
        function: Function that returns one value per label, [B] or [B, ...].
        name: Name of the metric.
        dtype: Type to compute in, as in Keras.
        **arguments: Further arguments of the function.
    """

    def __init__(self, function: Callable, name: str, dtype: str | None = None, **arguments: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self._function = function
        self._arguments = arguments

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        values = ops.cast(self._function(y_true, y_pred, **self._arguments), self.dtype)
        if sample_weight is not None:
            if len(values.shape) == 0:
                raise ValueError(
                    f"The metric {self.name!r} averages over the batch itself, so it includes missing labels "
                    "and padding. Return one value per label: average over the last axis at most, as "
                    "`ops.mean(..., axis=-1)` does."
                )
            sample_weight = as_rank(ops.convert_to_tensor(sample_weight, self.dtype), len(values.shape))
            sample_weight = ops.reshape(ops.broadcast_to(sample_weight, ops.shape(values)), (-1,))
        super().update_state(ops.reshape(values, (-1,)), sample_weight)
