"""The loss of quantiles."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import error, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import label_per_row


@public
class Pinball(keras.losses.Loss):
    """Mean over quantiles of the pinball loss, which is smallest at the quantiles of the labels.

    With e = y − v_q it is q·e for e > 0 and (q − 1)·e below: for q = 0.9 an underestimate costs nine times as much as
    an overestimate.

    Args:
        quantiles: The quantile of each column of the predictions, in (0, 1).
        reduction: How the rows become a scalar, as in Keras.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: Numbers, [B] or [B, 1].
        y_pred: Quantiles, [B, number of quantiles].
        sample_weight: [B]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: If a quantile is not in (0, 1); when called, if the shapes differ from these.

    Example:

    ```python
    loss = mtl.losses.Pinball([0.1, 0.9])
    loss(np.array([2.0]), np.array([[1.0, 4.0]]))  # (0.1·1 + 0.1·2) / 2
    ```

    Reference: R. Koenker, G. Bassett, "Regression Quantiles", 1978.
    """

    def __init__(
        self,
        quantiles: Sequence[float],
        reduction: str | None = "sum_over_batch_size",
        name: str = "pinball",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        several = isinstance(quantiles, Iterable) and not isinstance(quantiles, str)
        values = enumerate(quantiles) if several else ()
        self.quantiles = [float(number(f"quantiles[{i}]", value, above=0, below=1)) for i, value in values]
        if not self.quantiles:
            raise ValueError(error("quantiles", "a list of numbers above 0 and below 1", quantiles))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if y_pred.shape[-1] != len(self.quantiles):
            raise ValueError(
                f"`y_pred` must have {len(self.quantiles)} columns, one per quantile. Received: {tuple(y_pred.shape)}."
            )
        error = ops.cast(label_per_row(y_true, y_pred), y_pred.dtype) - y_pred  # [B, K]
        quantiles = ops.convert_to_tensor(self.quantiles, y_pred.dtype)
        return ops.mean(ops.maximum(quantiles * error, (quantiles - 1) * error), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"quantiles": list(self.quantiles), **super().get_config()}
