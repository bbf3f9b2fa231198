"""Arrays in memory, with fast access to random rows."""

from typing import Any

import tensorflow as tf

from mtl_keras.data._batching import bytes_per_row


class Packed:
    """A structure of tensors with one first axis.

    Columns [N] of one dtype are stored side by side, so that each row is contiguous in memory. Access to random rows of
    20 columns is then several times as fast.

    Args:
        tensors: The structure, of tensors [N, ...].
    """

    def __init__(self, tensors: Any):
        self._structure = tensors
        flat = tf.nest.flatten(tensors)
        columns: dict[str | int, list[int]] = {}
        for i, tensor in enumerate(flat):
            columns.setdefault(tensor.dtype.name if len(tensor.shape) == 1 else i, []).append(i)
        self._places = list(columns.values())
        self._parts = [
            flat[places[0]] if len(places) == 1 else tf.stack([flat[i] for i in places], axis=1)
            for places in self._places
        ]
        self.bytes_per_row = bytes_per_row(tensors)

    def take(self, rows: tf.Tensor) -> Any:
        """Returns rows by their numbers."""
        return self._unpacked([tf.gather(part, rows) for part in self._parts])

    def _unpacked(self, parts):
        flat = {}
        for places, part in zip(self._places, parts, strict=True):
            columns = [part] if len(places) == 1 else tf.unstack(tf.transpose(part), num=len(places))
            flat |= dict(zip(places, columns, strict=True))
        return tf.nest.pack_sequence_as(self._structure, [flat[i] for i in range(len(flat))])
