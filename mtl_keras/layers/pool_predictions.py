"""Combines the predictions of several models."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import choice, error, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.linalg import crf
from mtl_keras.linalg.pooling import KINDS, WAYS, pool_outputs


@public
class PoolPredictions(keras.layers.Layer):
    """Pools the outputs of several models for one task. `mtl_keras.ensembles` adds it to the graph.

    With weights w that sum up to 1:

    | kind | what it is | `"mean"` | `"geometric"` | `"vote"` |
    |---|---|---|---|---|
    | `"classes"` | probabilities with the sum 1 | Σ w·p | softmax(Σ w·log p) | shares of votes |
    | `"events"` | other probabilities | Σ w·p | sigmoid(Σ w·logit p) | shares of votes |
    | `"numbers"` | values, quantiles | Σ w·v | as mean | as mean |
    | `"rates"` | rates above 0 | Σ w·λ | exp(Σ w·log λ) | as mean |
    | `"normal"` | mean and deviation | those of the mixture | those of the product | as mean |
    | `"chain"` | what `layers.CRF` gives | mean probabilities of the tags | mean potentials | shares of votes |
    | `"cells"` | cells of a detector | boxes weighted by confidence | mean logits | as mean |

    The variance of a mixture of normal distributions is Σ w·(σ² + μ²) − (Σ w·μ)². A vote is for the most probable
    class, an event above 0.5, or the tags of the best path; the mean probabilities are added as `tie` votes, so they
    decide between equal votes.

    Args:
        kind: What the outputs are.
        way: `"mean"`, `"geometric"` or `"vote"`.
        weights: Weights of the models, numbers of at least 0; or for each model a list of weights, one for each entry
            of the last axis. None for equal ones.
        tie: How many votes the mean probabilities count for, above 0.
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        outputs: List of tensors of one shape, one tensor per model.

    Returns:
        A tensor of the same shape; probabilities `[B, L, num_tags]` for chains, except under `"geometric"`.

    Raises:
        ValueError: If an argument is not one of those listed, or there is another number of outputs than of weights.

    Example:

    ```python
    pool = mtl.layers.PoolPredictions("normal")
    pool([np.array([[0.0, 1.0]]), np.array([[2.0, 1.0]])])  # [[1.0, 1.41]]
    ```

    Reference: B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and Scalable Predictive Uncertainty Estimation
    using Deep Ensembles", 2017, for the mixture; R. Solovyev, W. Wang, T. Gabruseva, "Weighted Boxes Fusion: Ensembling
    Boxes from Different Object Detection Models", 2021, for boxes. Departure: the boxes of one cell are a cluster.
    """

    def __init__(
        self,
        kind: str,
        way: str = "mean",
        weights: Sequence[Any] | None = None,
        tie: float = 0.5,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.kind = choice("kind", kind, KINDS)
        self.way = choice("way", way, WAYS)
        self.member_weights = _checked(weights)
        self.tie = number("tie", tie, above=0)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shapes = {tuple(shape) for shape in input_shape}
        if len(shapes) > 1:
            raise ValueError(f"`outputs` must have one shape. Received: {sorted(map(str, shapes))}.")
        if self.member_weights is not None and len(self.member_weights) != len(input_shape):
            raise ValueError(
                f"`weights` must be one number per output, {len(input_shape)}. Received: {self.member_weights}."
            )

    def call(self, outputs: list[Tensor]) -> Tensor:
        weights = np.ones(len(outputs)) if self.member_weights is None else np.array(self.member_weights)
        pooled = pool_outputs(self.kind, self.way, outputs, weights, self.tie)
        return ops.cast(pooled, self.compute_dtype)

    def compute_mask(self, inputs: list[Tensor], mask: Any = None) -> Tensor | None:
        if self.kind == "chain" and self.way != "geometric":
            return crf.unpack(inputs[0])[2]
        masks = [m for m in keras.tree.flatten(mask) if m is not None]
        return masks[0] if masks else None

    def compute_output_spec(self, outputs: list[Tensor]) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape([x.shape for x in outputs]), dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        batch, *positions, size = input_shape[0]
        if self.kind == "chain" and self.way != "geometric":
            return (batch, None if positions[0] is None else positions[0] - size, size)
        return (batch, *positions, size)

    def get_config(self) -> dict[str, Any]:
        own = {"kind": self.kind, "way": self.way, "weights": self.member_weights, "tie": self.tie}
        return {**super().get_config(), **own}


def _checked(weights):
    """Returns weights as nested lists of plain numbers; None for None."""
    if weights is None:
        return None
    fits = isinstance(weights, Sequence | np.ndarray) and not isinstance(weights, str)
    array = np.asarray(weights) if fits else np.zeros(0)
    is_number = array.dtype.kind in "fiu" and array.ndim in (1, 2) and array.size
    if not is_number or not np.isfinite(array).all() or array.min() < 0 or array.sum(axis=0).min() <= 0:
        raise ValueError(error("weights", "numbers of at least 0, one for each model, and not all 0", weights))
    return array.astype("float64").tolist()
