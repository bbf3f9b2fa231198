"""Finds the tags of a chain from its potentials."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import crf


@public
class DecodeCRF(keras.layers.Layer):
    """Finds the tags of a linear-chain conditional random field, from the output of `layers.CRF`.

    Args:
        returns: `"tags"`: the most probable path, by the Viterbi algorithm; or `"probabilities"`: the probability of
            each tag at each position, by the forward-backward algorithm.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        potentials: `[B, L + num_tags, num_tags]`.

    Returns:
        Tags, int32 `[B, L]`, or probabilities `[B, L, num_tags]`; 0 where the mask left a position out.

    Raises:
        ValueError: If `returns` is neither of the two.

    Example:

    ```python
    potentials = mtl.layers.CRF()(np.array([[[1.0, 0.0], [0.0, 2.0]]]))
    mtl.layers.DecodeCRF()(potentials)  # [[0, 1]]
    mtl.layers.DecodeCRF("probabilities")(potentials)  # [[[0.73, 0.27], [0.12, 0.88]]]
    ```
    """

    def __init__(self, returns: str = "tags", **kwargs: Any):
        super().__init__(**kwargs)
        self.returns = choice("returns", returns, ("tags", "probabilities"))

    def call(self, potentials: Tensor) -> Tensor:
        chain = crf.unpack(ops.cast(potentials, "float32"))
        if self.returns == "tags":
            return crf.viterbi(*chain)
        return ops.cast(crf.marginals(*chain), self.compute_dtype)

    def compute_output_spec(self, potentials: Tensor) -> keras.KerasTensor:
        batch, rows, size = potentials.shape
        length = None if rows is None else rows - size
        if self.returns == "tags":
            return keras.KerasTensor((batch, length), dtype="int32")
        return keras.KerasTensor((batch, length, size), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "returns": self.returns}
