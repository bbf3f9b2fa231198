"""Share of the sentences whose tags are all right."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.metrics._tags import as_tags


@public
class SentenceAccuracy(keras.metrics.Mean):
    """Share of the sentences with every tag right.

    Tokens with weight 0, or with a label below 0, are left out; sentences with only such tokens are left out, too. The
    weight of a sentence is the mean weight of its other tokens. To check whether several tasks are all right (the
    intent and all slots), use `metrics.joint_accuracy`.

    Args:
        name: Name of the metric.
        dtype: Type to count in, as in Keras.

    Call arguments:
        y_true: Tags, [B, L].
        y_pred: Tags, [B, L], or a score for each, [B, L, num_tags].
        sample_weight: [B], [B, 1] or [B, L].

    Example:

    ```python
    metric = mtl.metrics.SentenceAccuracy()
    metric.update_state(np.array([[1, 2, -1], [0, 2, 1]]), np.array([[1, 2, 2], [0, 2, 2]]))
    metric.result()  # 0.5
    ```
    """

    def __init__(self, name: str = "sentence_accuracy", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred, weight = as_tags(y_true, y_pred, sample_weight)
        there = ops.not_equal(weight, 0)
        wrong = ops.any(ops.logical_and(there, ops.not_equal(y_true, y_pred)), axis=1)  # [B]
        count = ops.sum(ops.cast(there, "float32"), axis=1)
        super().update_state(ops.logical_not(wrong), ops.divide_no_nan(ops.sum(weight, axis=1), count))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}
