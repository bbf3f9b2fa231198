"""F1 as a loss."""

from typing import Any

from keras import ops

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import BatchLoss, as_indicators


@public
class SoftF1(BatchLoss):
    """1 − F1 of a batch, with probabilities instead of decisions.

    F1 = 2·tp / (2·tp + fp + fn), where an example of a class with probability p counts as p right and 1 − p missed. Use
    it for rare classes, which have little effect on the cross-entropy. It is computed over the whole batch: make
    batches large enough to have some examples of each class. Start from a network that was trained with the
    cross-entropy, or add the two losses.

    Args:
        average: `"macro"`: the mean over the classes, or labels, that occur in the labels of the batch; `"micro"`:
            all classes together.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: 0 and 1 in the shape of `y_pred`, or integers [B] or [B, 1].
        y_pred: Probabilities of k classes or labels, or of yes for k = 1, [B, k].
        sample_weight: [B], [B, 1] or [B, k]; optional.

    Returns:
        A scalar in [0, 1]. 0 for a batch without labels; under `"macro"`, also for a batch without any yes.

    Raises:
        ValueError: If `average` is neither of the two; when called, if the shapes do not fit each other.

    Example:

    ```python
    loss = mtl.losses.SoftF1("micro")
    loss(np.array([1, 0]), np.array([[0.8], [0.4]]))  # 0.27: 1 - 2·0.8 / (2·0.8 + 0.4 + 0.2)
    ```

    Reference: J. Pastor-Pellicer, F. Zamora-Martínez, S. España-Boquera, M. Castro-Bleda, "F-Measure as the Error
    Function to Train Neural Networks", 2013.
    """

    def __init__(self, average: str = "macro", name: str = "soft_f1", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.average = choice("average", average, ("macro", "micro"))

    def batch_loss(self, y_true: Tensor, y_pred: Tensor, weight: Tensor) -> Tensor:
        y_true, y_pred, weight = as_indicators(y_true, y_pred, weight)  # [B, k] each
        right, predicted, there = (ops.sum(weight * x, axis=0) for x in (y_true * y_pred, y_pred, y_true))
        if self.average == "micro":
            right, predicted, there = (ops.sum(x, keepdims=True) for x in (right, predicted, there))
            counts = ops.any(weight > 0, keepdims=True)
        else:
            counts = there > 0
        total = ops.where(counts, predicted + there, 1.0)
        losses = ops.where(counts, 1.0 - 2.0 * right / ops.maximum(total, 1e-7), 0.0)
        return ops.sum(losses) / ops.maximum(ops.sum(ops.cast(counts, losses.dtype)), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"average": self.average, **super().get_config()}
