"""Cross-entropy of ranks."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.losses._base import label_per_row


@public
class OrdinalCrossentropy(keras.losses.Loss):
    """Sum over the thresholds between ranks of the binary cross-entropy of "the rank is above it".

    Σ_k −[y > k]·log p_k − [y ≤ k]·log(1 − p_k): an error costs more if it is off by more ranks. For the output of a
    sigmoid, it is computed from the logits.

    Args:
        reduction: How the rows become a scalar, as in Keras.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: Ranks from 0 to K - 1, [B] or [B, 1].
        y_pred: Probabilities that the rank is above 0, above 1 and so on, [B, K - 1].
        sample_weight: [B]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: When called, if there is not one label per row.

    Example:

    ```python
    loss = mtl.losses.OrdinalCrossentropy()
    loss(np.array([1]), np.array([[0.9, 0.2]]))  # 0.33: -log(0.9) - log(0.8)
    ```

    Reference: W. Cao, V. Mirjalili, S. Raschka, "Rank Consistent Ordinal Regression for Neural Networks with
    Application to Age Estimation", 2020.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ordinal_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        rank = label_per_row(y_true, y_pred)
        above = ops.cast(rank > ops.arange(y_pred.shape[-1], dtype=rank.dtype), y_pred.dtype)  # [B, K - 1]
        return ops.sum(ops.binary_crossentropy(above, y_pred), axis=-1)
