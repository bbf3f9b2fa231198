"""Binary cross-entropy with a weight for every entry."""

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import ElementwiseLoss


@public
class ElementwiseBinaryCrossentropy(ElementwiseLoss):
    """Binary cross-entropy of `[B, k]` yes/no labels, where single entries can be missing.

    The mean over all entries of `-y log p - (1 - y) log(1 - p)`. Without weights, or with one weight per row,
    it equals `keras.losses.BinaryCrossentropy`. For the output of a sigmoid, it is computed from the
    logits, so that confident errors keep their loss and gradient.

    Args:
        reduction: How the entries become a scalar, as in Keras. `"sum_over_batch_size"` divides by the
            number of entries, `"mean_with_sample_weight"` by the sum of their weights: if missing
            entries have weight 0, that is the mean over the entries that are not missing.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: Labels, [B, k].
        y_pred: Probabilities, [B, k].
        sample_weight: [B], [B, 1] or [B, k]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: When called, if the labels do not have the shape of the predictions.

    Example:

    ```python
    loss = mtl.losses.ElementwiseBinaryCrossentropy(reduction="mean_with_sample_weight")
    labels, there = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    loss(labels, np.array([[0.9, 0.1], [0.9, 0.9]]), sample_weight=there)  # 0.105: -log(0.9)
    ```
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "elementwise_binary_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def entry_losses(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.binary_crossentropy(y_true, y_pred)
