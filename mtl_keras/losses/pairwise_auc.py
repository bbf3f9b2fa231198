"""The area under the ROC curve as a loss."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import BatchLoss, as_indicators


@public
class PairwiseAUC(BatchLoss):
    """Mean of max(0, margin − (p_yes − p_no))² over all pairs of a yes and a no.

    The area under the ROC curve is the share of the pairs in the right order; this loss is a smooth surrogate. It is 0
    if each yes is above each no by the margin. It is computed over the B² pairs of the whole batch, so batches must
    have examples of both kinds. It orders probabilities, but does not calibrate them.

    Args:
        margin: By how much a yes should have more probability than a no, in (0, 1].
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: 0 and 1 in the shape of `y_pred`, or [B] for k = 1.
        y_pred: Probabilities of yes for k labels, [B, k].
        sample_weight: [B], [B, 1] or [B, k]; optional. The weight of a pair is the product of its two weights.

    Returns:
        A scalar, the mean over the labels that have pairs; 0 if there is no pair.

    Raises:
        ValueError: If `margin` is not in (0, 1]; when called, if the shapes do not fit each other.

    Example:

    ```python
    loss = mtl.losses.PairwiseAUC(margin=0.5)
    loss(np.array([1, 0, 0]), np.array([[0.7], [0.1], [0.6]]))  # 0.08: (0² + 0.4²) / 2
    ```

    Reference: L. Yan, R. Dodier, M. Mozer, R. Wolniewicz, "Optimizing Classifier Performance via an Approximation to
    the Wilcoxon-Mann-Whitney Statistic", 2003, with the power 2, and margins from 0.1 to 0.7.
    """

    def __init__(self, margin: float = 0.5, name: str = "pairwise_auc", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.margin = number("margin", margin, above=0, at_most=1)

    def batch_loss(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        y_true, y_pred, weight = as_indicators(y_true, y_pred, weight)  # [B, k] each
        short = ops.square(ops.relu(self.margin - (y_pred[:, None] - y_pred[None])))  # [B, B, k]
        pairs = (weight * y_true)[:, None] * (weight * (1.0 - y_true))[None]
        total = ops.sum(pairs, axis=(0, 1))  # [k]
        losses = ops.sum(pairs * short, axis=(0, 1)) / ops.where(total > 0, total, 1.0)
        return ops.sum(losses) / ops.maximum(ops.sum(ops.cast(total > 0, losses.dtype)), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"margin": self.margin, **super().get_config()}
