"""The head for one of several classes."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.metrics._accuracy import accuracy_of_classes
from mtl_keras.metrics._entry_mean import EntryMean


@public
class Multiclass(Head):
    """One of `num_classes` classes: predicts probabilities that sum to 1, [batch, num_classes].

    Labels are integers from 0 to `num_classes` - 1, [batch] or [batch, 1]; with a loss that takes one-hot labels, such
    as `keras.losses.CategoricalCrossentropy(label_smoothing=0.1)`, one-hot rows [batch, num_classes]. The default loss
    is the sparse categorical cross-entropy, the default metric the accuracy.

    Args:
        num_classes: Number of classes, at least 2.
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If `num_classes` is below 2 or a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("digit", mtl.heads.Multiclass(10, hidden=(32,)))
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["digit"].shape  # (1, 10)
    ```
    """

    output_kind = "classes"

    def __init__(self, num_classes: int, hidden: tuple[int, ...] = (), activation: str = "relu"):
        super().__init__(hidden, activation)
        self.num_classes = count("num_classes", num_classes, 2)
        self.num_labels = self.num_classes
        self.label_range = (0, self.num_classes - 1)

    def loss(self) -> keras.losses.Loss:
        return keras.losses.SparseCategoricalCrossentropy()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [EntryMean(accuracy_of_classes, name="accuracy")]

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        decoded = {"label": ops.argmax(output, axis=-1), "score": ops.max(output, axis=-1)}  # [B]
        if top_k:
            scores, classes = ops.top_k(output, min(top_k, self.num_classes))  # [B, k]
            decoded |= {"top_label": classes, "top_score": scores}
        return decoded

    def _output(self):
        return self.num_classes, "softmax"

    def get_config(self) -> dict[str, Any]:
        return {"num_classes": self.num_classes, **super().get_config()}
