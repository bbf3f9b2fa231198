"""A convolution over sequences with padding."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor


@public
class MaskedConv1D(keras.layers.Conv1D):
    """Convolves a sequence so that padding has no effect, and passes the mask on.

    `keras.layers.Conv1D` ignores the mask: values at the padding would reach the tokens next to it. Here, positions
    that the Keras mask leaves out are set to 0, like those beyond the ends. Outputs at the padding have no meaning.

    Args:
        filters: Number of output channels.
        kernel_size: Number of tokens that a filter sees.
        padding: `"same"` or `"causal"`: the sequence keeps its length, for which the strides are 1.
        **kwargs: Other arguments of `keras.layers.Conv1D`.

    Call arguments:
        inputs: `[B, L, C]`.

    Returns:
        `[B, L, filters]`.

    Raises:
        ValueError: If a number is not a positive integer, or the sequence would not keep its length.

    Example:

    ```python
    words = keras.layers.Embedding(10, 4, mask_zero=True)
    layer = mtl.layers.MaskedConv1D(2, kernel_size=3)
    short, long = layer(words(np.array([[3, 8]]))), layer(words(np.array([[3, 8, 0, 0]])))
    np.abs(short - long[:, :2]).max()  # 0
    ```
    """

    def __init__(self, filters: int, kernel_size: int, padding: str = "same", **kwargs: Any):
        if isinstance(kernel_size, tuple | list) and len(kernel_size) == 1:
            (kernel_size,) = kernel_size  # as Keras saves it
        filters, kernel_size = count("filters", filters), count("kernel_size", kernel_size)
        super().__init__(filters, kernel_size, padding=padding, **kwargs)
        if padding not in ("same", "causal") or self.strides != (1,) or self.data_format != "channels_last":
            raise ValueError(
                "`padding` must be 'same' or 'causal', `strides` 1, and `data_format` 'channels_last'. Received: "
                f"padding={padding!r}, strides={self.strides}, data_format={self.data_format!r}. "
                "Use `layers.HalveSequence` for shorter sequences."
            )
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            inputs = ops.where(ops.expand_dims(mask, axis=-1), inputs, ops.zeros_like(inputs))
        return super().call(inputs)
