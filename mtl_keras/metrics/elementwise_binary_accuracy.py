"""Binary accuracy with a weight for every entry."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras.metrics._entry_mean import EntryMean


@public
class ElementwiseBinaryAccuracy(EntryMean):
    """Share of the `[B, k]` yes/no labels that are predicted correctly, where single entries can be missing.

    Every entry counts with its weight. Without weights, or with one weight per row, it equals
    `keras.metrics.BinaryAccuracy`, which averages over the last axis first and so cannot weigh entries.

    Args:
        threshold: Probability in (0, 1) above which the prediction is a yes.
        name: Name of the metric.
        dtype: Type to compute in, as in Keras.

    Raises:
        ValueError: If `threshold` is not in (0, 1).

    Example:

    ```python
    metric = mtl.metrics.ElementwiseBinaryAccuracy()
    labels, there = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 1.0], [1.0, 0.0]])
    metric.update_state(labels, np.array([[0.9, 0.8], [0.9, 0.9]]), sample_weight=there)
    metric.result()  # 2 of 3
    ```
    """

    def __init__(self, threshold: float = 0.5, name: str = "binary_accuracy", dtype: str | None = None) -> None:
        threshold = number("threshold", threshold, above=0, below=1, hint="It is a probability: use 0.5 if in doubt.")
        super().__init__(_right, name=name, dtype=dtype, threshold=threshold)
        self.threshold = threshold

    def get_config(self) -> dict[str, Any]:
        return {"threshold": self.threshold, "name": self.name, "dtype": self.dtype}


def _right(y_true, y_pred, threshold):
    """Returns 1 for each entry that is predicted correctly, in the shape of the predictions."""
    yes = ops.convert_to_tensor(y_pred) > threshold
    y_true = ops.cast(ops.reshape(y_true, ops.shape(yes)), "float32")
    return ops.cast(ops.equal(y_true, ops.cast(yes, "float32")), "float32")
