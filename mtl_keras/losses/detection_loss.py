"""The loss of object detection on a grid of cells."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import boxes
from mtl_keras.losses._base import weight_per_entry


@public
class DetectionLoss(keras.losses.Loss):
    """Loss of the raw output of `heads.Detection`: confidence, box and class of the cells of a grid.

    A cell with an object adds three terms: `box_weight` times the squared errors of its centre and of the square roots
    of height and width; the cross-entropy of its confidence with 1; and the cross-entropy of its class. A cell without
    an object adds `no_object_weight` times the cross-entropy of its confidence with 0.

    There is one value, and optionally one weight, for every entry of the labels. Give cells with unknown content weight
    0. The values of an image add up to its loss. The mean is over the images.

    Args:
        box_weight: Weight of the squared errors, at least 0.
        no_object_weight: Weight of the confidence of cells without an object, at least 0. Most cells have no object.
        reduction: How the values become a scalar, as in Keras. `"sum_over_batch_size"` divides by the number of
            images, `"mean_with_sample_weight"` by their weight, `"sum"` by nothing.
        name: Name of the loss.
        dtype: Type to compute in, as in Keras.

    Call arguments:
        y_true: Labels from `data.encode_boxes`, [B, S, S', 6].
        y_pred: Raw output of the head, [B, S, S', 5 + num_classes].
        sample_weight: [B], [B, 1] or [B, S, S', 6]; optional.

    Returns:
        A scalar.

    Raises:
        ValueError: If a weight is negative; when called, if the labels do not have the grid of the output.

    Example:

    ```python
    labels = mtl.data.encode_boxes(np.array([[[0.25, 0.25, 0.75, 0.75]]]), np.array([[0]]), grid=1)
    raw = np.array([0, 0, 9, 9, 0, 9, -9]).reshape(1, 1, 1, 7)  # as large as the image, unsure, of class 0
    mtl.losses.DetectionLoss()(labels, raw)  # 1.55: 5 · 2 · (1 - √0.5)² + log 2
    ```

    Reference: J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You Only Look Once: Unified, Real-Time Object
    Detection", 2016. Departures: one box per cell; cross-entropies instead of the squared errors of confidence and
    classes; the confidence learns whether there is an object, not its overlap with the predicted box.
    """

    def __init__(
        self,
        box_weight: float = 5.0,
        no_object_weight: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "detection_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.box_weight = number("box_weight", box_weight, at_least=0)
        self.no_object_weight = number("no_object_weight", no_object_weight, at_least=0)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if sample_weight is not None:
            sample_weight = weight_per_entry(sample_weight, ops.shape(y_true))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        _check(y_true, y_pred)
        there, label = y_true[..., 4:5], ops.cast(y_true[..., 5], "int32")
        box = there * ops.square(ops.sigmoid(y_pred[..., :4]) - boxes.to_cells(y_true[..., :4]))
        confidence = ops.binary_crossentropy(there, y_pred[..., 4:5], from_logits=True)
        classes = ops.sparse_categorical_crossentropy(ops.maximum(label, 0), y_pred[..., 5:], from_logits=True)
        values = ops.concatenate(
            [
                self.box_weight * box,
                ops.where(there > 0, 1.0, self.no_object_weight) * confidence,
                there * classes[..., None],
            ],
            axis=-1,
        )
        if self.reduction in ("sum", "none", None):
            return values
        _, rows, columns, entries = ops.shape(values)
        return values * ops.cast(rows * columns * entries, values.dtype)

    def get_config(self) -> dict[str, Any]:
        own = {"box_weight": self.box_weight, "no_object_weight": self.no_object_weight}
        return {**super().get_config(), **own}


def _check(y_true, y_pred):
    """Raises a ValueError unless the labels are [B, S, S', 6] for an output [B, S, S', 5 + num_classes]."""
    expected = (*y_pred.shape[:3], 6)
    fits = len(y_true.shape) == len(y_pred.shape) == 4 and y_pred.shape[3] > 5
    pairs = zip(y_true.shape[1:], expected[1:], strict=False)
    if not fits or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(
            f"`y_true` must be of shape {expected} for `y_pred` of shape {tuple(y_pred.shape)}. "
            f"Received: {tuple(y_true.shape)}. Make it with `data.encode_boxes(boxes, classes, grid={expected[1:3]})`."
        )
