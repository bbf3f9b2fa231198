"""The product of probabilities, given and returned as logits."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor


@public
class LogitProduct(keras.layers.Layer):
    """Returns the logit of the product of two probabilities from their logits: σ⁻¹(σ(a)·σ(b)).

    1 / (σ(a)·σ(b)) − 1 = e⁻ᵃ + e⁻ᵇ + e⁻ᵃ⁻ᵇ, so the result is −log of this sum. It is exact for logits of any size; the
    gradient is finite and does not vanish for confident errors.

    Input: logits a and b, [B, 1] each. Output: [B, 1].

    Example:

    ```python
    logit = mtl.layers.LogitProduct()([np.zeros((1, 1)), np.zeros((1, 1))])
    keras.ops.sigmoid(logit)  # 0.25
    ```
    """

    def call(self, inputs: list[Tensor]) -> Tensor:
        a, b = inputs
        return -ops.logsumexp(ops.stack([-a, -b, -a - b]), axis=0)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])
