"""A trained mean over a sequence."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class AttentionPooling(keras.layers.Layer):
    """Returns the mean of a sequence under trained weights: Σ_t a_t · x_t, a = softmax_t(v · tanh(W·x_t + b)).

    The positions that the Keras mask leaves out have weight 0.

    Args:
        units: Width of W·x_t, at least 1.
        kernel_regularizer: Keras regularizer of W, or its name.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        x: `[B, L, C]`.

    Returns:
        `[B, C]`.

    Raises:
        ValueError: If `units` is not a positive integer.

    Example:

    ```python
    layer = mtl.layers.AttentionPooling(4)
    layer(np.ones((1, 3, 2)), mask=np.array([[True, True, False]]))  # 1 and 1: the weights sum up to 1
    ```

    Reference: Z. Yang, D. Yang, C. Dyer, X. He, A. Smola, E. Hovy, "Hierarchical Attention Networks for Document
    Classification", NAACL 2016: the attention over words.
    """

    def __init__(
        self, units: int, kernel_regularizer: str | keras.regularizers.Regularizer | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units = count("units", units)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units), regularizer=self.kernel_regularizer
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.query = self.add_weight(name="query", shape=(self.units, 1))

    def call(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        score = ops.matmul(ops.tanh(ops.matmul(x, self.kernel) + self.bias), self.query)  # [B, L, 1]
        score = ops.cast(score, "float32")
        if mask is not None:
            score = ops.where(ops.expand_dims(mask, axis=-1), score, ops.full_like(score, -1e30))
        odds = ops.exp(score - ops.max(score, axis=1, keepdims=True))  # ops.softmax warns of a single token
        weights = ops.cast(odds / ops.sum(odds, axis=1, keepdims=True), x.dtype)
        return ops.sum(weights * x, axis=1)

    def compute_mask(self, x: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        regularizer = keras.regularizers.serialize(self.kernel_regularizer)
        return {**super().get_config(), "units": self.units, "kernel_regularizer": regularizer}
