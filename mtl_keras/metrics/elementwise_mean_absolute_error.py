"""Mean absolute error with a weight for every entry."""

from typing import Any

from keras import ops

from mtl_keras._registry import public
from mtl_keras.metrics._entry_mean import EntryMean


@public
class ElementwiseMeanAbsoluteError(EntryMean):
    """Mean absolute error of `[B, k]` values, where single entries can be missing.

    Every entry counts with its weight. Without weights, or with one weight per row, it equals
    `keras.metrics.MeanAbsoluteError`, which averages over the last axis first and so cannot weigh entries.

    Args:
        name: Name of the metric.
        dtype: Type to compute in, as in Keras.

    Example:

    ```python
    metric = mtl.metrics.ElementwiseMeanAbsoluteError()
    labels, there = np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    metric.update_state(labels, np.array([[1.0, 1.0], [1.0, 9.0]]), sample_weight=there)
    metric.result()  # (0 + 1 + 2) / 3
    ```
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: str | None = None) -> None:
        super().__init__(_distance, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}


def _distance(y_true, y_pred):
    """Returns the absolute error of each entry, in the shape of the predictions."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(ops.reshape(y_true, ops.shape(y_pred)), y_pred.dtype)
    return ops.abs(y_true - y_pred)
