"""Brings features to the positions of other features."""

import keras
from keras import ops

from mtl_keras._registry import public


@public
class MatchPositions(keras.layers.Layer):
    """Averages features over cells, so that their map or sequence gets the size of another one.

    Along each axis of positions, entry i of m is the mean of the entries from ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉ − 1 of n:
    adaptive average pooling, which repeats entries where m is above n. Features whose other ones have another rank are
    averaged over all positions, and this mean stands at every position of the result.

    Input: features [B, ..., C], and a tensor [B, ..., D] of any size that has the wanted positions. Output: the
    features at these positions, [B, ..., C].

    Example:

    ```python
    wide, narrow = np.arange(4.0).reshape(1, 4, 1), np.ones((1, 2, 3))
    mtl.layers.MatchPositions()([wide, narrow])  # 0.5 and 2.5, [1, 2, 1]
    ```
    """

    def call(self, inputs):
        x, like = inputs
        rank = len(like.shape)
        if len(x.shape) != rank:
            mean = ops.mean(x, axis=tuple(range(1, len(x.shape) - 1))) if len(x.shape) > 2 else x
            mean = ops.reshape(mean, (-1, *[1] * (rank - 2), x.shape[-1]))
            return ops.broadcast_to(mean, (*ops.shape(like)[:-1], x.shape[-1]))
        for axis in range(1, rank - 1):
            if x.shape[axis] is None or x.shape[axis] != like.shape[axis]:
                x = _pooled(x, ops.shape(like)[axis], axis)
        return x

    def compute_mask(self, inputs, previous_mask):
        return previous_mask[1] if previous_mask else None

    def compute_output_shape(self, input_shape):
        return (*input_shape[1][:-1], input_shape[0][-1])


def _pooled(x, size, axis):
    """Returns x with `size` means along an axis."""
    length = ops.shape(x)[axis]
    cell, entry = ops.expand_dims(ops.arange(size), 1), ops.arange(length)  # [m, 1], [n]
    inside = (entry >= cell * length // size) & (entry < -(-(cell + 1) * length // size))  # [m, n]
    inside = ops.cast(inside, x.dtype)
    means = inside / ops.sum(inside, axis=1, keepdims=True)
    return ops.moveaxis(ops.tensordot(x, means, axes=[[axis], [1]]), -1, axis)
