"""The head for one of several ranks."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice, count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.layers import Thresholds
from mtl_keras.losses import OrdinalCrossentropy
from mtl_keras.metrics import ElementwiseMeanAbsoluteError


@public
class Ordinal(Head):
    """One of `num_classes` ranks in an order, such as stars: predicts the rank, int32 [batch].

    One score is compared with thresholds that always increase, so the probability of exceeding a rank never increases
    with the rank. The predicted rank is the median. Labels are integers from 0 to `num_classes` - 1,
    [batch] or [batch, 1]. The default loss is `losses.OrdinalCrossentropy`, the default metrics are the accuracy and,
    of ranks, the mean absolute error. The loss gets the probabilities of a rank above 0, above 1 and so on.

    Args:
        num_classes: Number of ranks, at least 3.
        predict: What `predict`, the metrics and exports get: `"ranks"`; or `"probabilities"`, one per rank, which sum
            to 1, [batch, num_classes].
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If `num_classes` is below 3, a width is not a positive integer, or `predict` is neither of the two.

    Example:

    ```python
    task = mtl.Task("stars", mtl.heads.Ordinal(5, predict="probabilities"))
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["stars"]  # [[0.2, 0.2, 0.2, 0.2, 0.2]]
    ```

    Reference: W. Cao, V. Mirjalili, S. Raschka, "Rank Consistent Ordinal Regression for Neural Networks with
    Application to Age Estimation", 2020 (CORAL). Departure: the thresholds always increase; in the paper, they do at
    the optimum.
    """

    output_kind = "events"

    def __init__(
        self, num_classes: int, predict: str = "ranks", hidden: tuple[int, ...] = (), activation: str = "relu"
    ):
        super().__init__(hidden, activation)
        self.num_classes = count("num_classes", num_classes, 3)
        self.predict = choice("predict", predict, ("ranks", "probabilities"))
        self.num_labels = self.num_classes
        self.label_range = (0, self.num_classes - 1)

    def logits(self, x: Tensor, name: str) -> Tensor:
        score = keras.layers.Dense(1, use_bias=False, dtype="float32", name=f"{name}_linear")(x)
        return Thresholds(self.num_classes - 1, dtype="float32", name=f"{name}_thresholds")(score)

    def loss(self) -> keras.losses.Loss:
        return OrdinalCrossentropy()

    def metrics(self) -> list[keras.metrics.Metric]:
        if self.predict == "probabilities":
            return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        return [keras.metrics.Accuracy(name="accuracy"), ElementwiseMeanAbsoluteError(name="mae")]

    def predictions(self, output: Tensor) -> Tensor:
        if self.predict == "ranks":
            return _rank(output)
        above = ops.concatenate([ops.ones_like(output[:, :1]), output], axis=1)  # [B, K]
        return above - ops.concatenate([output, ops.zeros_like(output[:, :1])], axis=1)

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        if self.predict == "ranks":
            return {"label": output}  # [B]
        rank = _rank(1.0 - ops.cumsum(output, axis=-1)[:, :-1])
        return {"label": rank, "score": ops.take_along_axis(output, rank[:, None], axis=1)[:, 0]}  # [B]

    def _output(self):
        return self.num_classes - 1, "sigmoid"

    def get_config(self) -> dict[str, Any]:
        return {"num_classes": self.num_classes, "predict": self.predict, **super().get_config()}


def _rank(above):
    """Returns the median rank from the probabilities that the rank is above 0, above 1 and so on."""
    return ops.sum(ops.cast(ops.greater(above, 0.5), "int32"), axis=-1)
