"""Negative log-likelihood of the tags of a chain."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import crf
from mtl_keras.losses._base import weight_per_entry

_IMPOSSIBLE = -1e9


@public
class CRFLikelihood(keras.losses.Loss):
    """Negative log-likelihood of tags `[B, L]` under a linear-chain conditional random field.

    -log p(y|x) = log Z - score(y), with log Z by the forward algorithm. It is split evenly among the labels of a
    sequence: their sum is the loss of the sequence, and their mean is the loss per token, the unit of
    `keras.losses.SparseCategoricalCrossentropy`. The mean of the label weights of a sequence is the weight of the
    sequence. A label with weight 0, or a label below 0, is missing: the likelihood is that of the other labels, summed
    over every tag at its place.

    With `likelihood="joint"`, only for the potentials of `layers.HMM`, it is -log p(x, y) up to terms that do not
    depend on trained values: without log Z. If no label is missing, the network then learns by the cross-entropy of
    each tag, and the transitions learn as if by counting. The value can be below 0.

    Args:
        likelihood: `"conditional"` or `"joint"`.
        reduction: How the tokens become a scalar, as in Keras. `"sum_over_batch_size"` divides by the number of tokens
            with padding, `"mean_with_sample_weight"` by the sum of their weights, `"sum"` by nothing.
        name: Name of the loss.
        dtype: Type of the loss, as in Keras.

    Call arguments:
        y_true: Tags, [B, L].
        y_pred: Potentials from `layers.CRF`, [B, L + num_tags, num_tags].
        sample_weight: [B], [B, 1] or [B, L]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: If `likelihood` is neither of the two; when called, if the labels are not [B, L].

    Example:

    ```python
    potentials = mtl.layers.CRF()(np.array([[[1.0, 0.0], [0.0, 2.0]]]))
    mtl.losses.CRFLikelihood(reduction="sum")(np.array([[0, 1]]), potentials)  # 0.44: -log(0.73 · 0.88)
    ```

    Reference: J. Lafferty, A. McCallum, F. Pereira, "Conditional Random Fields: Probabilistic Models for Segmenting and
    Labeling Sequence Data", 2001. Departure: missing labels.
    """

    def __init__(
        self,
        likelihood: str = "conditional",
        reduction: str | None = "sum_over_batch_size",
        name: str = "crf_likelihood",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.likelihood = choice("likelihood", likelihood, ("conditional", "joint"))

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if sample_weight is not None:
            sample_weight = weight_per_entry(sample_weight, ops.shape(y_true))
            y_true = self.without_missing(y_true, sample_weight)
        return super().__call__(y_true, y_pred, sample_weight)

    def without_missing(self, y_true: Tensor, sample_weight: Tensor) -> Tensor:
        """Returns the labels with -1 for those of weight 0, which the likelihood of the others depends on."""
        weight = weight_per_entry(sample_weight, ops.shape(y_true))
        return ops.where(ops.equal(weight, 0), -1, ops.cast(y_true, "int32"))

    def mask(self, y_pred: Tensor) -> Tensor:
        """Returns which positions are part of the chains. [B, L] as booleans"""
        return crf.unpack(y_pred)[2]

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        emissions, transitions, mask = crf.unpack(y_pred)
        lengths = {*y_true.shape[1:2], mask.shape[1]} - {None}
        if len(y_true.shape) != 2 or len(lengths) > 1:
            raise ValueError(
                f"`y_true` must be of shape {(None, mask.shape[1])}, one tag per token. "
                f"Received: {tuple(y_true.shape)}. Pad the labels like the tokens."
            )
        y_true = ops.cast(y_true, "int32")
        known = ops.logical_and(y_true >= 0, mask)  # [B, L]
        others = ops.logical_and(known[:, :, None], ops.arange(y_pred.shape[-1]) != y_true[:, :, None])
        compatible = ops.where(others, _IMPOSSIBLE, emissions)
        if self.likelihood == "joint":
            total, given = 0.0, crf.log_partition(compatible, transitions, mask)
        else:  # both sums in one scan
            both = ops.concatenate([emissions, compatible], axis=0)
            total, given = ops.split(crf.log_partition(both, transitions, ops.concatenate([mask, mask], axis=0)), 2)
        count = ops.sum(ops.cast(known, given.dtype), axis=1)
        share = (total - given) / ops.maximum(count, 1.0)  # [B]
        return ops.cast(known, given.dtype) * share[:, None]

    def get_config(self) -> dict[str, Any]:
        return {"likelihood": self.likelihood, **super().get_config()}
