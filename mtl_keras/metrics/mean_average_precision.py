"""Mean average precision of predicted boxes."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import boxes as of_boxes
from mtl_keras.metrics._average_precision import average_precision, checked_iou, rows, thresholds_of

_LOGIT = 10.0  # scores are binned from sigmoid(-10) to sigmoid(10)


def mean_average_precision(
    labels: Tensor | Sequence[Tensor],
    predictions: Tensor | Sequence[Tensor],
    iou: str | float | Sequence[float] = 0.5,
    max_boxes: int = 100,
    per_class: bool = False,
) -> float | dict[int, float]:
    """Computes the mean average precision of predicted boxes exactly, on NumPy.

    In each image and class, predictions are matched with labelled boxes in the order of their scores. A prediction
    takes the free box that it overlaps most, if the overlap is `iou` or more, and is then right. The average precision
    of a class is the mean over the recalls 0, 0.01, ..., 1 of the best precision at this recall or above; the result is
    its mean over the classes that the labels have, and over several `iou`. These are the rules of COCO, and the numbers
    those of pycocotools.

    Args:
        labels: True boxes, in rows `[y_min, x_min, y_max, x_max, ..., class]`, with class -1 for rows without a
            box: [B, N, 5], [B, S, S', 6] as `data.encode_boxes` makes them, or a list with one array per image.
        predictions: Rows `[y_min, x_min, y_max, x_max, score, class]`, as `heads.Detection` predicts them: [B, M, 6],
            or a list with one array per image.
        iou: Overlap, as intersection over union, at which a box counts as found; a number in (0, 1], several of them,
            or `"coco"` for 0.5, 0.55, ..., 0.95.
        max_boxes: How many predictions of an image and a class count, those of the highest scores.
        per_class: Whether to return the average precision of each class instead of their mean.

    Returns:
        A float in [0, 1], 0 if the labels have no box; or `{class: float}`.

    Raises:
        ValueError: If an argument is out of range, or labels and predictions differ in the number of images.

    Example:

    ```python
    labels = [np.array([[0.0, 0.0, 0.5, 0.5, 3], [0.5, 0.5, 1.0, 1.0, 3]])]  # an image with two boxes of class 3
    predictions = [np.array([[0.0, 0.0, 0.5, 0.5, 0.9, 3], [0.1, 0.6, 0.2, 0.7, 0.8, 3]])]  # one of two is right
    mtl.metrics.mean_average_precision(labels, predictions)  # 51/101: recalls of 0 to 0.5, at a precision of 1
    ```

    Reference: T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", 2014, and pycocotools.
    """
    thresholds = thresholds_of(checked_iou(iou))
    if len(labels) != len(predictions):
        raise ValueError(
            "`labels` and `predictions` must be of the same images. "
            f"Received: {len(labels)} and {len(predictions)} images."
        )
    images = [(rows(truth), rows(found)) for truth, found in zip(labels, predictions, strict=True)]
    classes = sorted({int(label) for truth, _ in images for label in truth[:, -1]})
    precisions = {label: average_precision(images, label, thresholds, max_boxes) for label in classes}
    return precisions if per_class else float(np.mean(list(precisions.values()) or [0.0]))


@public
class MeanAveragePrecision(keras.metrics.Metric):
    """Mean average precision of predicted boxes, in any graph: `mean_average_precision` on binned scores.

    The state of a Keras metric cannot grow with the data. So right and wrong boxes are counted in bins of the score,
    evenly spaced in its logit from -10 to 10. Within a bin, the wrong boxes count as if they came first. With the
    default bins, 1,500 random images came out 0.001 below the exact value at 0.5. Many equal scores, such as those of a
    network rounded to 8 bits, can make the difference larger than 0.1: here the value is the lowest for any order of
    the equal scores, while the function takes them in the order of the data. For a figure to publish, use
    `metrics.mean_average_precision` on the result of `predict`.

    Labels and predictions have the form that the function takes, as arrays. The weight of an image is the smallest
    weight of its labels: an image with a missing label does not count.

    Args:
        num_classes: Number of classes, at least 1.
        iou: Overlap, as intersection over union, at which a box counts as found; a number in (0, 1], several of them,
            or `"coco"` for 0.5, 0.55, ..., 0.95.
        num_bins: Number of bins, at least 2.
        name: Name of the metric.
        dtype: Type to compute in, as in Keras.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    metric = mtl.metrics.MeanAveragePrecision(num_classes=4)
    labels = np.array([[[0.0, 0.0, 0.5, 0.5, 1, 3], [0.5, 0.5, 1.0, 1.0, 1, 3]]])  # an image with two boxes of class 3
    predictions = np.array([[[0.0, 0.0, 0.5, 0.5, 0.9, 3], [0.1, 0.6, 0.2, 0.7, 0.8, 3]]])  # one of two is right
    metric.update_state(labels, predictions)
    metric.result()  # 51/101
    ```

    Reference: T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", 2014. Departure: the bins.
    """

    def __init__(
        self,
        num_classes: int,
        iou: str | float | Sequence[float] = 0.5,
        num_bins: int = 1000,
        name: str = "mean_average_precision",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_classes = count("num_classes", num_classes)
        self.iou = checked_iou(iou)
        self.num_bins = count("num_bins", num_bins, at_least=2)
        self._thresholds = thresholds_of(self.iou)
        shape = (len(self._thresholds), self.num_classes, self.num_bins)
        # With the highest scores first.
        self.right = self.add_variable(shape, initializer="zeros", name="right")
        self.wrong = self.add_variable(shape, initializer="zeros", name="wrong")
        self.boxes = self.add_variable((self.num_classes,), initializer="zeros", name="boxes")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        batch = ops.shape(y_true)[0]
        truth = ops.reshape(y_true, (batch, -1, y_true.shape[-1]))  # [B, G, 5 or 6]
        weight = ops.ones_like(truth[:, 0, 0])  # [B]
        if sample_weight is not None:
            weight = ops.min(ops.reshape(ops.cast(sample_weight, "float32"), (batch, -1)), axis=1)
        order = ops.argsort(-y_pred[..., 4], axis=1)
        found = ops.take_along_axis(y_pred, order[:, :, None], axis=1)  # [B, M, 6]
        right = self._match(truth, found)  # [B, T, M]
        label, score = ops.cast(found[..., 5], "int32"), ops.clip(found[..., 4], 1e-6, 1 - 1e-6)
        logit = ops.log(score) - ops.log(1 - score)
        place = ops.cast(ops.floor((_LOGIT - logit) * (self.num_bins / (2 * _LOGIT))), "int32")
        place = label * self.num_bins + ops.clip(place, 0, self.num_bins - 1)  # [B, M]
        counts = ops.where((label >= 0) & (found[..., 4] > 0), weight[:, None], 0.0)[:, None]  # [B, 1, M]
        for state, which in ((self.right, right), (self.wrong, 1.0 - right)):
            values = ops.reshape(ops.moveaxis(which * counts, 1, 2), (-1, len(self._thresholds)))  # [B·M, T]
            sums = ops.segment_sum(values, ops.reshape(place, (-1,)), self.num_classes * self.num_bins)
            state.assign_add(ops.cast(ops.reshape(ops.transpose(sums), state.shape), state.dtype))
        is_class = truth[..., -1:] == ops.arange(self.num_classes, dtype="float32")  # [B, G, C]
        boxes = ops.sum(ops.cast(is_class, "float32") * weight[:, None, None], axis=(0, 1))
        self.boxes.assign_add(ops.cast(boxes, self.boxes.dtype))

    def _match(self, truth, found):
        """Returns which predictions, in the order of their scores, find a box at each threshold. [B, T, M], 0 or 1"""
        same = (found[:, :, None, 5] == truth[:, None, :, -1]) & (truth[:, None, :, -1] >= 0)  # [B, M, G]
        overlap = ops.where(same, of_boxes.overlaps(found[..., :4], truth[..., :4]), -1.0)
        thresholds = ops.convert_to_tensor(self._thresholds, "float32")[:, None]  # [T, 1]
        size = ops.shape(found)[1]
        cells = ops.arange(ops.shape(truth)[1])  # [G]

        def take_one(i, state):
            free, right = state  # [B, T, G], [B, T, M]
            candidates = ops.where(free, ops.take(overlap, i, axis=1)[:, None, :], -1.0)
            hit = ops.max(candidates, axis=-1, keepdims=True) >= thresholds  # [B, T, 1]
            taken = hit & (cells == ops.cast(ops.argmax(candidates, axis=-1), "int32")[..., None])
            return free & ~taken, ops.where(ops.arange(size) == i, ops.cast(hit, "float32"), right)

        ones = ops.ones_like(thresholds)
        free = ops.ones_like(overlap[:, :1]) * ones > 0
        return ops.fori_loop(0, size, take_one, (free, ops.zeros_like(overlap[:, None, :, 0]) * ones))[1]

    def result(self) -> Tensor:
        right, wrong = ops.cumsum(self.right, axis=-1), ops.cumsum(self.wrong, axis=-1)  # [T, C, bins]
        precision = right / ops.maximum(right + wrong, 1e-9)
        best = _highest_from_here(precision)  # the best at this recall or above
        # How many of the 101 recalls are reached up to each bin. Recall 0 is reached in the first bin.
        reached = ops.floor(100.0 * right / ops.maximum(self.boxes, 1e-9)[:, None] + 1e-3) + 1.0
        new = ops.concatenate([reached[..., :1], reached[..., 1:] - reached[..., :-1]], axis=-1)
        average = ops.mean(ops.sum(new * best, axis=-1) / 101.0, axis=0)  # [C]
        there = ops.cast(self.boxes > 0, average.dtype)
        return ops.sum(average * there) / ops.maximum(ops.sum(there), 1.0)

    def get_config(self) -> dict[str, Any]:
        own = {"num_classes": self.num_classes, "iou": self.iou, "num_bins": self.num_bins}
        return {**own, "name": self.name, "dtype": self.dtype}


def _highest_from_here(x):
    """Returns the maximum of each entry and all later ones, along the last axis, for values of at least 0. [T, C, n]"""
    step = 1
    while step < x.shape[-1]:  # each pass covers twice as many entries
        x = ops.maximum(x, ops.pad(x[..., step:], [[0, 0], [0, 0], [0, step]]))
        step *= 2
    return x
