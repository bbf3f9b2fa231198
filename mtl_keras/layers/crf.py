"""The potentials of a chain of tags."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.linalg import crf


@public
class CRF(keras.layers.Layer):
    """Adds the potentials of neighbouring tags in a linear-chain conditional random field to the scores of tags.

    p(y|x) ∝ exp(Σ_t e_t(y_t) + Σ_t A(y_{t-1}, y_t) + s(y_1) + z(y_L)), with e the inputs, and the transitions A, the
    start s and the end z learned. The output has everything that the loss and the decoder need, in one tensor. Give it
    to `losses.CRFLikelihood`, and to `layers.DecodeCRF` for tags. Positions that a Keras mask leaves out are not part
    of the chain; the output has no mask.

    Args:
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        emissions: `[B, L, num_tags]`, any real numbers.

    Returns:
        `[B, L + num_tags, num_tags]`: the emissions, with s and z added at the ends, and A.

    Raises:
        ValueError: If the input has another rank.

    Example:

    ```python
    tokens = keras.Input((None,), dtype="int32")
    emissions = keras.layers.Dense(3)(keras.layers.Embedding(10, 4, mask_zero=True)(tokens))
    model = keras.Model(tokens, mtl.layers.CRF()(emissions))
    model.compile("adam", loss=mtl.losses.CRFLikelihood())
    model.fit(np.array([[4, 2, 7, 0]]), np.array([[1, 2, 2, -1]]), verbose=0)
    mtl.layers.DecodeCRF()(model(np.array([[4, 2, 7, 0]]))).shape  # (1, 4)
    ```

    Reference: J. Lafferty, A. McCallum, F. Pereira, "Conditional Random Fields: Probabilistic Models for Segmenting and
    Labeling Sequence Data", 2001.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 3:
            raise ValueError(f"`emissions` must be of shape [B, L, num_tags]. Received: {list(input_shape)}.")
        size = input_shape[-1]
        self.transitions = self.add_weight(name="transitions", shape=(size, size), initializer="zeros")
        self.start = self.add_weight(name="start", shape=(size,), initializer="zeros")
        self.end = self.add_weight(name="end", shape=(size,), initializer="zeros")

    def call(self, emissions: Tensor, mask: Tensor | None = None) -> Tensor:
        first, last = crf.ends(emissions, mask)
        emissions = emissions + first * self.start + last * self.end
        return crf.pack(emissions, ops.convert_to_tensor(self.transitions, emissions.dtype), mask)

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, length, size = input_shape
        return (batch, None if length is None else length + size, size)
