"""Turns a grid of cells into boxes without duplicates."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.linalg import boxes as of_boxes


@public
class DecodeBoxes(keras.layers.Layer):
    """Turns the raw output of `heads.Detection` into a list of boxes with scores and classes.

    The score of a box for a class is its confidence times the probability of the class. If boxes of
    one class overlap, only the one with the highest score is kept (greedy non-maximum suppression within each class).
    The number of rows is fixed, so the layer runs in any graph.

    Args:
        max_boxes: Number of rows, at least 1.
        score_threshold: Boxes up to this score are left out, in [0, 1).
        iou_threshold: Overlap, as intersection over union, up to which two boxes of a class are both kept, in [0, 1].
        **kwargs: Arguments of a Keras layer.

    Call arguments:
        cells: `[B, S, S', 5 + num_classes]`: logits of the centre (y, x) in the cell, logits of the square roots of
            height and width relative to the image, logit of the confidence, logits of the classes.

    Returns:
        `[B, max_boxes, 6]`: `y_min, x_min, y_max, x_max` relative to the image, in [0, 1] (Keras' `"rel_yxyx"`), score
        and class, the highest score first. Unused rows have score 0 and class -1; the number of boxes is the number
        of scores above 0.

    Raises:
        ValueError: If an argument is out of range; when built, if the input is not a grid with at least one class.

    Example:

    ```python
    cells = np.full((1, 1, 2, 6), -9.0, "float32")  # one row of two cells, one class
    cells[0, 0, 1] = [0, 0, 0, 0, 9, 0]  # in the middle of the second cell, 1/4 high and wide
    mtl.layers.DecodeBoxes(max_boxes=3)(cells)[0, 0]  # [0.375, 0.625, 0.625, 0.875, 1.0, 0.0]
    ```
    """

    def __init__(self, max_boxes: int = 20, score_threshold: float = 0.05, iou_threshold: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_boxes = count("max_boxes", max_boxes)
        self.score_threshold = number("score_threshold", score_threshold, at_least=0, below=1)
        self.iou_threshold = number("iou_threshold", iou_threshold, at_least=0, at_most=1)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 4 or input_shape[-1] < 6:
            raise ValueError(
                f"`cells` must be of shape [B, S, S', 5 + num_classes]. Received: {tuple(input_shape)}. "
                "Pass the output of `heads.Detection`."
            )

    def call(self, cells: Tensor) -> Tensor:
        cells = ops.cast(cells, "float32")
        batch, classes = ops.shape(cells)[0], cells.shape[-1] - 5
        boxes = ops.reshape(of_boxes.from_cells(ops.sigmoid(cells[..., :4])), (batch, -1, 4))
        # Keras warns of a softmax over one class.
        scores = ops.sigmoid(cells[..., 4:5]) * ops.exp(ops.log_softmax(cells[..., 5:], axis=-1))
        scores = ops.reshape(scores, (batch, -1, classes))  # [B, N, C]
        kept = of_boxes.suppress(boxes, scores, self.max_boxes, self.score_threshold, self.iou_threshold)
        which, label = ops.maximum(kept[..., :1], 0), kept[..., 1:]  # [B, max_boxes, 1]
        of_label = ops.cast(label == ops.arange(classes), "float32")
        score = ops.sum(ops.take_along_axis(scores, which, axis=1) * of_label, axis=-1, keepdims=True)
        box = ops.where(label >= 0, ops.take_along_axis(boxes, which, axis=1), 0.0)
        rows = ops.concatenate([box, score, ops.cast(label, "float32")], axis=-1)
        return ops.cast(rows, self.compute_dtype)

    def compute_output_spec(self, cells: Tensor) -> keras.KerasTensor:
        return keras.KerasTensor((cells.shape[0], self.max_boxes, 6), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("max_boxes", "score_threshold", "iou_threshold")}
        return {**super().get_config(), **own}
