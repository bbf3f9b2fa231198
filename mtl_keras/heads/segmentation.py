"""The head for a class at every position of an image."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice, count, counts
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.metrics._accuracy import accuracy_of_classes
from mtl_keras.metrics._entry_mean import EntryMean


@public
class Segmentation(Head):
    """One of `num_classes` classes for every position of an image: predicts probabilities [batch, H, W, num_classes].

    The features must be a map, [batch, h, w, channels], from an image tower without a pooling or dense layer at the
    end. The scores of the classes are enlarged bilinearly to the size of the labels. Labels are integers from 0 to
    `num_classes` - 1, [batch, H, W] or [batch, H, W, 1]; single positions may be missing. For
    `data.from_arrays`, mark them with -1. The default loss is the sparse categorical cross-entropy, the default metric
    the accuracy of the positions. `keras.metrics.MeanIoU(num_classes, sparse_y_pred=False)` suits the probabilities.

    Args:
        num_classes: Number of classes, at least 2.
        size: Height and width of the labels, or None for those of the features times `factor`.
        factor: How many times larger than the features the labels are, if `size` is None.
        predict: What `predict`, the metrics and exports get: `"probabilities"`; or `"classes"`, int32 [batch, H, W].
        hidden: Widths of the dense layers of the head, which read each position by itself.
        activation: Activation of those layers.

    Raises:
        ValueError: If an argument is out of range; when a model is built, if the features are not a map.

    Example:

    ```python
    encoder = keras.Sequential([keras.layers.Conv2D(8, 3, strides=4, padding="same", activation="relu")])
    tasks = [mtl.Task("kind", mtl.heads.Multiclass(3)), mtl.Task("parts", mtl.heads.Segmentation(4, factor=4))]
    model = mtl.build_model((32, 24, 3), tasks, tower=encoder)
    model.predict(np.zeros((1, 32, 24, 3)), verbose=0)["parts"].shape  # (1, 32, 24, 4)
    ```

    Reference: J. Long, E. Shelhamer, T. Darrell, "Fully Convolutional Networks for Semantic Segmentation", 2015,
    without the skip connections.
    """

    output_kind = "classes"

    def __init__(
        self,
        num_classes: int,
        size: tuple[int, int] | None = None,
        factor: int = 1,
        predict: str = "probabilities",
        hidden: tuple[int, ...] = (),
        activation: str = "relu",
    ):
        super().__init__(hidden, activation)
        self.num_classes = count("num_classes", num_classes, 2)
        self.factor = count("factor", factor)
        self.size = None if size is None else counts("size", size, hint="Write `size=(height, width)`.")
        if size is not None and (len(self.size) != 2 or self.factor != 1):
            raise ValueError(
                f"`size` must be (height, width), without a `factor`. Received: size={size!r}, factor={factor}."
            )
        self.predict = choice("predict", predict, ("probabilities", "classes"))
        self.num_labels = self.num_classes
        self.label_range = (0, self.num_classes - 1)

    def pool(self, features: Tensor, name: str) -> Tensor:
        if len(features.shape) != 4:
            raise ValueError(
                f"The features of task {name!r} must be a map [batch, height, width, channels]. "
                f"Received shape {tuple(features.shape)}. Use a tower that keeps its map, such as "
                "`towers.Conv(keep_map=True)`: the other tasks' heads average over it by themselves."
            )
        return features

    def logits(self, x: Tensor, name: str) -> Tensor:
        scores = super().logits(x, name)
        resized = {"interpolation": "bilinear", "dtype": "float32", "name": f"{name}_resized"}
        if self.size:
            return keras.layers.Resizing(*self.size, data_format="channels_last", **resized)(scores)
        if self.factor > 1:
            return keras.layers.UpSampling2D(self.factor, data_format="channels_last", **resized)(scores)
        return scores

    def loss(self) -> keras.losses.Loss:
        return keras.losses.SparseCategoricalCrossentropy()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [EntryMean(accuracy_of_classes, name="accuracy")]

    def predictions(self, output: Tensor) -> Tensor:
        return ops.argmax(output, axis=-1) if self.predict == "classes" else output

    def of_predictions(self) -> Head:
        return type(self).from_config({**self.get_config(), "size": None, "factor": 1, "hidden": []})

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        if self.predict == "classes":
            return {"label": output}  # [B, H, W]
        decoded = {"label": ops.argmax(output, axis=-1), "score": ops.max(output, axis=-1)}  # [B, H, W]
        if top_k:
            scores, classes = ops.top_k(output, min(top_k, self.num_classes))  # [B, H, W, k]
            decoded |= {"top_label": classes, "top_score": scores}
        return decoded

    def _output(self):
        return self.num_classes, "softmax"

    def get_config(self) -> dict[str, Any]:
        own = {"num_classes": self.num_classes, "size": self.size, "factor": self.factor, "predict": self.predict}
        return {**own, **super().get_config()}
