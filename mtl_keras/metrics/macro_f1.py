"""The mean F1 of classes."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras._weights import as_rank


@public
class MacroF1(keras.metrics.Metric):
    """The mean over the classes of their F1, 2·tp / (2·tp + fp + fn), for integer labels.

    Classes that have occurred neither as label nor as prediction are left out of the mean, as in scikit-learn. For
    labels as indicators, `keras.metrics.F1Score(average="macro")` does the same but counts such classes as 0. Labels
    below 0, and those of weight 0, are missing.

    Args:
        num_classes: Number of classes.
        name: Name of the metric.
        dtype: Type to count in, as in Keras.

    Call arguments:
        y_true: Integers of any shape, [B] or [B, ...].
        y_pred: Probabilities with one more axis, or classes as integers of the same shape.
        sample_weight: [B], or of the labels' shape.

    Raises:
        ValueError: If `num_classes` is below 2.

    Example:

    ```python
    metric = mtl.metrics.MacroF1(3)
    metric.update_state(np.array([0, 0, 1]), np.array([0, 1, 1]))
    metric.result()  # 0.67: of class 0 and 1; there is no class 2
    ```
    """

    def __init__(self, num_classes: int, name: str = "macro_f1", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_classes = count("num_classes", num_classes, at_least=2)
        self.right, self.predicted, self.there = (
            self.add_variable((self.num_classes,), "zeros", name=sums) for sums in ("right", "predicted", "there")
        )

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_pred = ops.convert_to_tensor(y_pred)
        if "float" in keras.backend.standardize_dtype(y_pred.dtype):
            y_pred = ops.argmax(y_pred, axis=-1)
        y_true = ops.cast(ops.reshape(y_true, ops.shape(y_pred)), "int32")
        weight = ops.cast(1.0 if sample_weight is None else sample_weight, self.dtype)
        weight = as_rank(weight, len(y_true.shape))
        weight = ops.where(y_true < 0, 0.0, ops.broadcast_to(weight, ops.shape(y_true)))
        predicted, there = (
            ops.one_hot(ops.reshape(classes, (-1,)), self.num_classes, dtype=self.dtype) * ops.reshape(weight, (-1, 1))
            for classes in (y_pred, y_true)
        )  # [B, num_classes]
        both = ops.where(predicted * there > 0, predicted, 0.0)
        for variable, found in ((self.right, both), (self.predicted, predicted), (self.there, there)):
            variable.assign_add(ops.sum(found, axis=0))

    def result(self) -> Tensor:
        total = self.predicted + self.there
        seen = ops.cast(total > 0, self.dtype)
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(2 * self.right, total)), ops.sum(seen))

    def get_config(self) -> dict[str, Any]:
        return {"num_classes": self.num_classes, "name": self.name, "dtype": self.dtype}
