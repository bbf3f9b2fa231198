"""Negative log-likelihood of normal distributions."""

import math

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import label_per_row


@public
class GaussianLikelihood(keras.losses.Loss):
    """Negative log-likelihood of numbers under normal distributions with predicted means and deviations.

    log σ + (y − μ)² / (2σ²) + log(2π) / 2. The value can be below 0.

    Args:
        reduction: How the rows become a scalar, as in Keras.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: Numbers, [B] or [B, 1].
        y_pred: Means and standard deviations, [B, 2].
        sample_weight: [B]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: When called, if there is not one label per row.

    Example:

    ```python
    mtl.losses.GaussianLikelihood()(np.array([1.0]), np.array([[0.0, 2.0]]))  # 1.74: log 2 + 1/8 + 0.92
    ```

    Reference: D. Nix, A. Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "gaussian_likelihood", dtype: str | None = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        mean, deviation = y_pred[:, :1], y_pred[:, 1:]
        z = (ops.cast(label_per_row(y_true, y_pred), y_pred.dtype) - mean) / deviation
        return ops.squeeze(ops.log(deviation) + 0.5 * ops.square(z) + 0.5 * math.log(2 * math.pi), axis=-1)
