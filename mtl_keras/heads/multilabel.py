"""The head for any of several labels."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.losses import ElementwiseBinaryCrossentropy
from mtl_keras.metrics import ROCAUC, ElementwiseBinaryAccuracy


@public
class Multilabel(Head):
    """Any of `num_labels` labels, each yes or no: predicts a probability for each, [batch, num_labels].

    Labels are 0 or 1, [batch, num_labels]; single ones may be missing. The default loss is the binary
    cross-entropy, averaged over the labels that are not missing; the default metrics are the accuracy at the
    threshold 0.5 and the area under the ROC curve, over all labels together (`auc`) and as the mean over the labels
    (`macro_auc`).

    Args:
        num_labels: Number of labels, at least 1.
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If `num_labels` or a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("attributes", mtl.heads.Multilabel(3))
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["attributes"].shape  # (1, 3)
    ```
    """

    label_range = (0, 1)
    output_kind = "events"

    def __init__(self, num_labels: int, hidden: tuple[int, ...] = (), activation: str = "relu"):
        super().__init__(hidden, activation)
        self.num_labels = self.num_classes = count("num_labels", num_labels)

    def loss(self) -> keras.losses.Loss:
        return ElementwiseBinaryCrossentropy()

    def metrics(self) -> list[keras.metrics.Metric]:
        pooled, by_label = ROCAUC(), ROCAUC(self.num_labels, num_bins=2**12, name="macro_auc")
        return [ElementwiseBinaryAccuracy(name="accuracy"), pooled, by_label]

    def class_weights(self, factors: Tensor, y: Tensor, y_pred: Tensor) -> Tensor:
        return ops.broadcast_to(factors, ops.shape(y))  # the factor of the column

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        scores, labels = ops.top_k(output, min(top_k or self.num_labels, self.num_labels))  # [B, k]
        return {"label": labels, "score": scores}

    def _output(self):
        return self.num_labels, "sigmoid"

    def get_config(self) -> dict[str, Any]:
        return {"num_labels": self.num_labels, **super().get_config()}
