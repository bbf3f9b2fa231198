"""Position embeddings for the tokens of a sequence."""

from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import choice, count, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class AddPositions(keras.layers.Layer):
    """Adds a vector for its position to each token of a sequence: s · x_t + p_t, t = 0, 1, 2, ...

    Only tokens that the Keras mask keeps are counted, so padding before, after or between them has no effect. `"sine"`
    has p_t[2i] = sin(t / 10000^(2i/C)) and p_t[2i+1] the cosine; `"learned"` a trained table.

    Args:
        positions: `"sine"` or `"learned"`.
        max_length: Rows of the table, at least 1: the largest number of tokens in a sequence. Not used by `"sine"`.
        initializer: Keras initializer of the table, or its name.
        scale: s, above 0: the paper has √C, as tables of tokens start with values far below those of sines.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, L, C]`; C is even for `"sine"`.

    Returns:
        `[B, L, C]`.

    Raises:
        ValueError: If an argument is out of range, the table is too short for L, or C is odd for `"sine"`.

    Example:

    ```python
    mtl.layers.AddPositions()(np.zeros((1, 2, 2)))  # sin 0 and cos 0, then sin 1 and cos 1
    ```

    Reference: A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser, I. Polosukhin,
    "Attention Is All You Need", NeurIPS 2017.
    """

    def __init__(
        self,
        positions: str = "sine",
        max_length: int = 512,
        initializer: str | keras.initializers.Initializer = "random_normal",
        scale: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.positions = choice("positions", positions, ("sine", "learned"))
        self.max_length = count("max_length", max_length)
        self.scale = number("scale", scale, above=0)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: Shape) -> None:
        _, length, channels = input_shape
        if self.positions == "sine" and channels % 2:
            raise ValueError(f"`x` must have an even number of channels for 'sine'. Received: {channels}.")
        if self.positions == "learned":
            if length is not None and length > self.max_length:
                raise ValueError(
                    f"`max_length` must be at least the length of the sequence, {length}. "
                    f"Received: max_length={self.max_length}."
                )
            self.table = self.add_weight(name="table", shape=(self.max_length, channels), initializer=self.initializer)

    def call(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        here = ops.ones_like(x[:, :, 0], dtype="int32") if mask is None else ops.cast(mask, "int32")
        place = ops.maximum(ops.cumsum(here, axis=1) - 1, 0)  # [B, L]
        if self.positions == "learned":
            return self.scale * x + ops.take(ops.convert_to_tensor(self.table, x.dtype), place, axis=0)
        channels = x.shape[-1]
        rates = 10000.0 ** (-np.arange(0, channels, 2, dtype="float32") / channels)  # [C / 2]
        angles = ops.expand_dims(ops.cast(place, "float32"), axis=-1) * rates  # [B, L, C / 2]
        waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)  # [B, L, C / 2, 2]
        return self.scale * x + ops.cast(ops.reshape(waves, ops.shape(x)), x.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.initializer)
        own = {"positions": self.positions, "max_length": self.max_length, "initializer": initializer}
        return {**super().get_config(), **own, "scale": self.scale}
