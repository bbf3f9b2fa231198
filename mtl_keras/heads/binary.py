"""The head for yes or no."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.metrics import ROCAUC


@public
class Binary(Head):
    """Yes or no: predicts the probability of yes, [batch, 1].

    Labels are 0 or 1, [batch] or [batch, 1]. The default loss is the binary cross-entropy, the default
    metrics are the accuracy at the threshold 0.5 and the area under the ROC curve (`metrics.ROCAUC`).

    Args:
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("odd", mtl.heads.Binary(), class_weight={0: 1.0, 1: 3.0})
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["odd"].shape  # (1, 1)
    ```
    """

    num_classes = 2
    is_binary = True
    output_kind = "events"
    num_labels = 2
    label_range = (0, 1)

    def loss(self) -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [keras.metrics.BinaryAccuracy(name="accuracy"), ROCAUC()]

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        yes = ops.squeeze(output, axis=-1)  # [B]
        return {"label": ops.cast(yes > 0.5, "int32"), "score": ops.maximum(yes, 1 - yes)}

    def _output(self):
        return 1, "sigmoid"
