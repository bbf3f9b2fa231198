"""Base classes of losses: of single entries, and of whole batches."""

from typing import Any

import keras
from keras import ops

from mtl_keras._types import Tensor
from mtl_keras._weights import as_rank


class ElementwiseLoss(keras.losses.Loss):
    """Averages over all entries of `[B, k]` labels at once, so that each can have its own weight.

    Abstract. A subclass implements `entry_losses(y_true, y_pred)`, which returns one value per entry.
    The losses of Keras average over the last axis first, and can only weigh whole rows. Sample weights may be
    `[B]` or `[B, 1]`, one per row, or `[B, k]`, one per entry; 0 marks a missing label. For labels
    `[B, L, k]` of a sequence, leave steps out by weights `[B, L]`, not by a Keras mask.
    """

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if sample_weight is not None:
            sample_weight = weight_per_entry(sample_weight, ops.shape(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.entry_losses(_like(y_true, y_pred), y_pred)

    def entry_losses(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Returns the loss of each entry, in the shape of `y_pred`."""
        raise NotImplementedError


def _like(y_true, y_pred):
    """Returns the labels in the shape of the predictions: labels `[B]` become `[B, 1]`."""
    if len(y_true.shape) + 1 == len(y_pred.shape):
        y_true = ops.expand_dims(y_true, -1)
    if len(y_true.shape) != len(y_pred.shape) or y_true.shape[1:] != y_pred.shape[1:]:
        raise ValueError(
            "`y_true` must have the shape of `y_pred`, one label per entry. "
            f"Received: y_true of shape {tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}. "
            "Give the output one unit per label."
        )
    return y_true


def weight_per_entry(sample_weight, shape):
    """Broadcasts weights `[B]` or `[B, 1]` to the full shape."""
    return ops.broadcast_to(as_rank(ops.convert_to_tensor(sample_weight), len(shape)), shape)


def label_per_row(y_true, y_pred):
    """Returns labels `[B]` or `[B, 1]` as `[B, 1]`."""
    if len(y_true.shape) == 1:
        y_true = ops.expand_dims(y_true, -1)
    if len(y_true.shape) != 2 or y_true.shape[-1] != 1 or len(y_pred.shape) != 2:
        raise ValueError(
            "`y_true` must be of shape [B] or [B, 1], one label per row, and `y_pred` of shape [B, k]. "
            f"Received: y_true of shape {tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}."
        )
    return y_true


class BatchLoss(keras.losses.Loss):
    """A loss of a whole batch, which is not a mean over its labels.

    Abstract. A subclass implements `batch_loss(y_true, y_pred, weight)`, a scalar; a label of weight 0 does not
    count. It does not read a Keras mask: leave padding out by weights.
    """

    is_of_batch = True  # for the objective, which would divide by the number of labels

    def __init__(self, name: str, dtype: str | None = None) -> None:
        super().__init__(name=name, reduction="sum", dtype=dtype)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        y_true, y_pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
        weight = 1.0 if sample_weight is None else ops.convert_to_tensor(sample_weight, dtype=self.dtype)
        return self.batch_loss(y_true, y_pred, ops.convert_to_tensor(weight, dtype=self.dtype))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self(y_true, y_pred)

    def batch_loss(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


def as_indicators(y_true, y_pred, weight):
    """Returns labels as 0 and 1, predictions and weights, each [B, k].

    Args:
        y_true: Labels of 0 and 1 in the shape of the predictions; or classes, without the last axis or with size 1.
        y_pred: Probabilities, [..., k].
        weight: A scalar, or of the labels' shape, or [B].
    """
    k = y_pred.shape[-1]
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1 < k:
        y_true = ops.squeeze(y_true, axis=-1)
    if len(y_true.shape) == len(y_pred.shape) - 1:
        y_true = (
            ops.expand_dims(y_true, -1) if k == 1 else ops.one_hot(ops.cast(y_true, "int32"), k, dtype=y_pred.dtype)
        )
    if len(y_true.shape) != len(y_pred.shape) or y_true.shape[-1] != k:
        raise ValueError(
            "`y_true` must have the shape of `y_pred`, or be classes without its last axis. "
            f"Received: y_true of shape {tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}."
        )
    weight = weight_per_entry(weight, ops.shape(y_pred))
    return tuple(ops.reshape(x, (-1, k)) for x in (ops.cast(y_true, y_pred.dtype), y_pred, weight))
