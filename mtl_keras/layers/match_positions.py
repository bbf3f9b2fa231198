"""Brings features to the positions of other features."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class MatchPositions(keras.layers.Layer):
    """Averages features over cells, so that their map or sequence gets the size of another one.

    Along each axis of positions, entry i of m is the mean of the entries from ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉ − 1 of n:
    adaptive average pooling, which repeats entries where m is above n. If the two tensors differ in rank, the features
    are averaged over all positions, and this mean is repeated at every position of the result. Positions that a Keras
    mask leaves out do not count towards n and m.

    Input: features [B, ..., C], and a tensor [B, ..., D] of any size that has the wanted positions. Output: the
    features at these positions, [B, ..., C].

    Example:

    ```python
    wide, narrow = np.arange(4.0).reshape(1, 4, 1), np.ones((1, 2, 3))
    mtl.layers.MatchPositions()([wide, narrow])  # 0.5 and 2.5, [1, 2, 1]
    ```
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: list[Tensor], mask: list[Tensor | None] | None = None) -> Tensor:
        x, like = inputs
        here, wanted = mask or (None, None)
        rank = len(like.shape)
        if len(x.shape) != rank:
            mean = ops.reshape(_mean(x, here), (-1, *[1] * (rank - 2), x.shape[-1]))
            return ops.broadcast_to(mean, (*ops.shape(like)[:-1], x.shape[-1]))
        if rank == 3 and here is not None:
            return _pooled_tokens(x, here, ops.ones_like(like[:, :, 0], dtype="bool") if wanted is None else wanted)
        for axis in range(1, rank - 1):
            if x.shape[axis] is None or x.shape[axis] != like.shape[axis]:
                x = _pooled(x, ops.shape(like)[axis], axis)
        return x

    def compute_mask(self, inputs: list[Tensor], previous_mask: list[Tensor | None] | None) -> Tensor | None:
        return previous_mask[1] if previous_mask else None

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return (*input_shape[1][:-1], input_shape[0][-1])


def _mean(x, here):
    """Returns the mean over the positions. [B, C]"""
    if here is None:
        return ops.mean(x, axis=tuple(range(1, len(x.shape) - 1))) if len(x.shape) > 2 else x
    here = ops.cast(ops.expand_dims(here, axis=-1), x.dtype)
    return ops.sum(here * x, axis=1) / ops.maximum(ops.sum(here, axis=1), 1)


def _pooled_tokens(x, here, wanted):
    """Averages the positions in a mask [B, n] onto the positions in another mask [B, m]. Returns [B, m, C]."""
    here, wanted = ops.cast(here, "int32"), ops.cast(wanted, "int32")
    entry = ops.expand_dims(ops.cumsum(here, axis=1) - 1, axis=1)  # [B, 1, n]
    cell = ops.expand_dims(ops.cumsum(wanted, axis=1) - 1, axis=2)  # [B, m, 1]
    length = ops.reshape(ops.sum(here, axis=1), (-1, 1, 1))
    size = ops.maximum(ops.reshape(ops.sum(wanted, axis=1), (-1, 1, 1)), 1)
    inside = (entry >= cell * length // size) & (entry < -(-(cell + 1) * length // size))  # [B, m, n]
    inside = ops.cast(inside & ops.expand_dims(here > 0, axis=1), x.dtype)
    return ops.matmul(inside / ops.maximum(ops.sum(inside, axis=2, keepdims=True), 1), x)


def _pooled(x, size, axis):
    """Averages x along an axis to `size` entries."""
    length = ops.shape(x)[axis]
    cell, entry = ops.expand_dims(ops.arange(size), 1), ops.arange(length)  # [m, 1], [n]
    inside = (entry >= cell * length // size) & (entry < -(-(cell + 1) * length // size))  # [m, n]
    inside = ops.cast(inside, x.dtype)
    means = inside / ops.sum(inside, axis=1, keepdims=True)
    return ops.moveaxis(ops.tensordot(x, means, axes=[[axis], [1]]), -1, axis)
