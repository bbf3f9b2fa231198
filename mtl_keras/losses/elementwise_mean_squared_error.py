"""Mean squared error with a weight for every entry."""

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import ElementwiseLoss


@public
class ElementwiseMeanSquaredError(ElementwiseLoss):
    """Mean squared error of `[B, k]` values, where single entries can be missing.

    The mean over all entries of `(y_true - y_pred)²`. Without weights, or with one weight per row, it equals
    `keras.losses.MeanSquaredError`.

    Args:
        reduction: How the entries become a scalar, as in Keras. `"sum_over_batch_size"` divides by the
            number of entries, `"mean_with_sample_weight"` by the sum of their weights: if missing
            entries have weight 0, that is the mean over the entries that are not missing.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: Labels, [B, k].
        y_pred: Predictions, [B, k].
        sample_weight: [B], [B, 1] or [B, k]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: When called, if the labels do not have the shape of the predictions.

    Example:

    ```python
    loss = mtl.losses.ElementwiseMeanSquaredError(reduction="mean_with_sample_weight")
    labels, there = np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    loss(labels, np.array([[1.0, 1.0], [1.0, 9.0]]), sample_weight=there)  # (0 + 1 + 4) / 3
    ```
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "elementwise_mean_squared_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def entry_losses(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.square(y_true - y_pred)
