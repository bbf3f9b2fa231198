"""The potentials of a hidden Markov model above a network."""

from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.linalg import crf


@public
class HMM(keras.layers.Layer):
    """Turns the tag scores of a network into the potentials of a hybrid hidden Markov model.

    The tags are a Markov chain, p(y) = π(y_1) · Π_t A(y_{t-1}, y_t), with rows of A that sum to 1. The probability of
    a token given its tag is not modelled. By Bayes' rule it is p(x_t|y_t) ∝ p(y_t|x_t) / p(y_t), the softmax of the
    inputs divided by the prior of the tags. The output is in the form of `layers.CRF`: give it to
    `losses.CRFLikelihood`, whose gradient trains A and π, and to `layers.DecodeCRF` for tags. `count` sets A, π and the
    prior from labels, before or instead of training. The prior is never trained; it is uniform until `count` sets it.
    Positions that a Keras mask leaves out are not part of the chain.

    Args:
        **kwargs: Arguments of a Keras layer. `trainable=False` keeps the values from `count`.

    Call arguments:
        scores: `[B, L, num_tags]`, any real numbers: the logits of p(y_t|x_t).

    Returns:
        `[B, L + num_tags, num_tags]`: log p(y_t|x_t) / p(y_t), with log π added at the beginning, and log A.

    Raises:
        ValueError: If the input has another rank.

    Example:

    ```python
    layer = mtl.layers.HMM()
    scores = np.array([[[2.0, 0.0], [0.0, 0.1], [2.0, 0.0]]])
    mtl.layers.DecodeCRF()(layer(scores))  # [[0, 1, 0]]: no tag is likelier after another than any other
    layer.count(np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1]]))
    mtl.layers.DecodeCRF()(layer(scores))  # [[0, 0, 0]]: one is rarely left for the other
    ```

    Reference: H. Bourlard, N. Morgan, "Connectionist Speech Recognition: A Hybrid Approach", 1994.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 3:
            raise ValueError(f"`scores` must be of shape [B, L, num_tags]. Received: {list(input_shape)}.")
        size = input_shape[-1]
        self.transitions = self.add_weight(name="transitions", shape=(size, size), initializer="zeros")
        self.start = self.add_weight(name="start", shape=(size,), initializer="zeros")
        self.prior = self.add_weight(name="prior", shape=(size,), initializer="zeros", trainable=False)

    def call(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        start, prior, transitions = (
            ops.log_softmax(ops.convert_to_tensor(weight, scores.dtype))
            for weight in (self.start, self.prior, self.transitions)
        )
        first, _ = crf.ends(scores, mask)
        emissions = ops.log_softmax(scores) - prior + first * start
        return crf.pack(emissions, transitions, mask)

    def count(self, labels: Any, smoothing: float = 1.0) -> None:
        """Sets the transitions, the start and the prior to their shares among labels.

        Args:
            labels: Tags [N, L], or a list of such arrays; -1 where a label is missing. Neighbours count if
                both are present. The first present label begins its sequence.
            smoothing: Number added to every count, above 0.

        Raises:
            ValueError: If a label is none of the tags, `smoothing` is not above 0, or the layer is not built.
        """
        smoothing = number("smoothing", smoothing, above=0)
        if not self.built:
            raise ValueError("`count` needs the number of tags. Call the layer, or build the model, first.")
        size = self.prior.shape[0]
        arrays = [np.asarray(array) for array in (labels if isinstance(labels, (list, tuple)) else [labels])]
        transitions, start, prior = (np.full(shape, float(smoothing)) for shape in ((size, size), size, size))
        for array in arrays:
            if array.ndim != 2 or array.min(initial=0) < -1 or array.max(initial=0) >= size:
                raise ValueError(
                    f"`labels` must be tags [N, L] from 0 to {size - 1}, and -1 for missing tags. "
                    f"Received: shape {array.shape}, values from {array.min(initial=0)} to {array.max(initial=0)}."
                )
            there = array >= 0
            pairs = there[:, :-1] & there[:, 1:]
            np.add.at(transitions, (array[:, :-1][pairs], array[:, 1:][pairs]), 1)
            np.add.at(start, array[there & (np.cumsum(there, axis=1) == 1)], 1)
            np.add.at(prior, array[there], 1)
        for weight, counts in ((self.transitions, transitions), (self.start, start), (self.prior, prior)):
            weight.assign(np.log(counts / counts.sum(axis=-1, keepdims=True)))

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, length, size = input_shape
        return (batch, None if length is None else length + size, size)
