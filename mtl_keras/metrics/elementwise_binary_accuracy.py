"""Binary accuracy with a weight for every entry."""

import keras
from keras import ops

from mtl_keras._registry import public


@public
class ElementwiseBinaryAccuracy(keras.metrics.MeanMetricWrapper):
    """Share of the `[B, k]` yes/no labels that are predicted right, where single ones can be missing.

    Every entry counts with its weight. Without weights, or with a weight a row, it equals
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

    def __init__(self, threshold=0.5, name="binary_accuracy", dtype=None):
        if not 0 < threshold < 1:
            raise ValueError(
                f"`threshold` must be in (0, 1), a probability. Received: threshold={threshold!r}. Use 0.5 if in doubt."
            )
        super().__init__(_right, name=name, dtype=dtype, threshold=threshold)
        self.threshold = threshold

    def get_config(self):
        return {"threshold": self.threshold, "name": self.name, "dtype": self.dtype}


def _right(y_true, y_pred, threshold):
    """Returns 1 for each entry that is predicted right, in the shape of the predictions."""
    yes = ops.convert_to_tensor(y_pred) > threshold
    y_true = ops.cast(ops.reshape(y_true, ops.shape(yes)), "float32")
    return ops.cast(ops.equal(y_true, ops.cast(yes, "float32")), "float32")
