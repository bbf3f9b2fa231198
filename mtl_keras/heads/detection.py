"""The head for objects in images: their boxes and classes."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.heads._base import Head
from mtl_keras.layers import DecodeBoxes
from mtl_keras.losses import DetectionLoss
from mtl_keras.metrics import MeanAveragePrecision


@public
class Detection(Head):
    """Boxes around the objects of an image, with scores and classes: predicts `[batch, max_boxes, 6]`.

    The features must be a map, [batch, S, S', channels], the output of convolutions without pooling to a vector. The
    map is a grid of cells over the image. Each cell predicts whether the centre of an object lies in it, and the box
    and class of the object: one object per cell, in a single stage. Choose a tower with a map so fine that two centres
    rarely share a cell.

    Labels are [batch, S, S', 6] from `data.encode_boxes`; images without labels have weight 0. For
    `data.from_arrays`, mark them with NaN in all entries. Boxes are `y_min, x_min, y_max, x_max` relative to the image
    (Keras' `"rel_yxyx"`, the order of TensorFlow and of TensorFlow Datasets), in labels and predictions. A predicted
    row is a box, its score and its class, after non-maximum suppression, with the highest score first. Unused rows have
    score 0 and class -1. The default loss is `losses.DetectionLoss`, which gets the raw output. The default metric is
    the mean average precision at an overlap of 0.5; it does not count boxes that `data.encode_boxes` dropped.

    Args:
        num_classes: Number of classes, at least 1.
        max_boxes: Number of rows of a prediction, at least 1. The time of a prediction grows with it.
        score_threshold: Boxes up to this score are left out, in [0, 1).
        iou_threshold: Overlap, as intersection over union, up to which two boxes of a class are both kept, in [0, 1].
        hidden: Widths of the dense layers of the head, which read each cell by itself.
        activation: Activation of those layers.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if the features are not a map.

    Example:

    ```python
    convolutions = keras.Sequential([keras.layers.Conv2D(8, 3, 4, padding="same"), keras.layers.ReLU()])
    tasks = [mtl.Task("count", mtl.heads.Multiclass(5)), mtl.Task("where", mtl.heads.Detection(10, max_boxes=4))]
    model = mtl.build_model((24, 24, 1), tasks, tower=convolutions)  # a grid of 6x6 cells
    model.compile("adam")
    boxes, classes = np.array([[[0.1, 0.2, 0.5, 0.6]]]), np.array([[7]])
    labels = {"count": np.array([1]), "where": mtl.data.encode_boxes(boxes, classes, grid=6)}
    model.fit(np.zeros((1, 24, 24, 1)), labels, verbose=0)
    model.predict(np.zeros((1, 24, 24, 1)), verbose=0)["where"].shape  # (1, 4, 6)
    ```

    Reference: J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You Only Look Once: Unified, Real-Time Object
    Detection", 2016. Departures: one box per cell, instead of two of which one is responsible; a map of cells from
    convolutions, instead of dense layers over the whole image; sigmoids for centre and size, a softmax for the
    classes; those of `losses.DetectionLoss`.
    """

    keeps_positions = True
    output_kind = "cells"

    def __init__(
        self,
        num_classes: int,
        max_boxes: int = 20,
        score_threshold: float = 0.05,
        iou_threshold: float = 0.5,
        hidden: tuple[int, ...] = (),
        activation: str = "relu",
    ):
        super().__init__(hidden, activation)
        # `num_classes` stays None: it is only for labels that are classes, [batch], which class weights need.
        self.num_labels = count("num_classes", num_classes)
        self.label_range = (-1, max(1, self.num_labels - 1))  # class -1 for empty cells, and confidences of 1
        decoder = DecodeBoxes(max_boxes, score_threshold, iou_threshold)  # checks these arguments
        self.max_boxes = decoder.max_boxes
        self.score_threshold = decoder.score_threshold
        self.iou_threshold = decoder.iou_threshold

    def pool(self, features: Tensor, name: str) -> Tensor:
        if len(features.shape) != 4:
            raise ValueError(
                f"The features of task {name!r} must be a map [batch, height, width, channels]. "
                f"Received shape {tuple(features.shape)}. Use a tower that keeps its map, such as "
                "`towers.Conv(keep_map=True)`: the other tasks' heads average over it by themselves."
            )
        return features

    def label_shape(self, output_shape: Shape) -> Shape | None:
        return (*output_shape[:3], 6)

    def loss(self) -> keras.losses.Loss:
        return DetectionLoss()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [MeanAveragePrecision(self.num_labels, name="map")]

    def predictions(self, output: Tensor) -> Tensor:
        return self._decoder()(output)

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        score = output[..., 4]  # [B, max_boxes]
        return {
            "label": ops.cast(ops.maximum(output[..., 5], 0), "int32"),
            "score": score,
            "box": output[..., :4],
            "count": ops.sum(ops.cast(score > 0, "int32"), axis=-1),  # [B]
        }

    def _decoder(self):
        return DecodeBoxes(self.max_boxes, self.score_threshold, self.iou_threshold, dtype="float32")

    def _output(self):
        return 5 + self.num_labels, "linear"

    def get_config(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("max_boxes", "score_threshold", "iou_threshold")}
        return {"num_classes": self.num_labels, **own, **super().get_config()}
