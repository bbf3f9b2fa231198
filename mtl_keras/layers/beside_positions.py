"""Appends a vector to each position of a sequence or map."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class BesidePositions(keras.layers.Layer):
    """Repeats a vector at each position of a sequence or a map, and appends it to the channels.

    `ensembles.stack` uses it, so that each position reads the predictions for the whole row. The output keeps the
    Keras mask of the sequence.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        pair: The sequence or map `[B, ..., C]`, and the vector `[B, F]`.

    Returns:
        `[B, ..., C + F]`

    Example:

    ```python
    mtl.layers.BesidePositions()([np.ones((1, 3, 2)), np.array([[5.0]])])[0, 0]  # [1.0, 1.0, 5.0]
    ```
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, pair: list[Tensor]) -> Tensor:
        positions, vector = (ops.cast(x, self.compute_dtype) for x in pair)
        axes = len(positions.shape) - 2
        vector = ops.reshape(vector, (-1, *(1,) * axes, vector.shape[-1]))
        return ops.concatenate([positions, vector + ops.zeros_like(positions[..., :1])], axis=-1)

    def compute_mask(self, inputs: list[Tensor], mask: Any = None) -> Tensor | None:
        return mask[0] if isinstance(mask, list | tuple) else None

    def compute_output_shape(self, input_shape: Any) -> Shape:
        positions, vector = input_shape
        return (*positions[:-1], positions[-1] + vector[-1])
