"""The head for quantiles of a number."""

import itertools
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import error, flag, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.layers import Increasing
from mtl_keras.losses import Pinball
from mtl_keras.metrics._entry_mean import EntryMean


@public
class Quantiles(Head):
    """Quantiles of a real number, such as a median with an interval: predicts their values, [batch, quantiles].

    Labels are floats, [batch] or [batch, 1]. The default loss is `losses.Pinball`; the default metric is `coverage`,
    the share of the labels between the lowest and the highest predicted quantile, bounds included. Compare it with the
    difference of the two: 0.8 for 0.1 and 0.9.

    Args:
        quantiles: The quantiles in increasing order, each in (0, 1).
        crossing: Whether the quantiles are predicted independently, so that they may cross. By default, each is the one
            before plus a positive number.
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If the quantiles do not increase within (0, 1), or a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("price", mtl.heads.Quantiles([0.1, 0.5, 0.9]))
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["price"]  # [[0.0, 0.69, 1.39]]
    ```

    Reference: R. Koenker, G. Bassett, "Regression Quantiles", 1978.
    """

    output_kind = "numbers"

    def __init__(
        self,
        quantiles: Iterable[float] = (0.1, 0.5, 0.9),
        crossing: bool = False,
        hidden: tuple[int, ...] = (),
        activation: str = "relu",
    ):
        super().__init__(hidden, activation)
        given = list(quantiles) if isinstance(quantiles, Iterable) else []
        self.quantiles = [number("quantiles", quantile, above=0, below=1) for quantile in given]
        if not given or any(low >= high for low, high in itertools.pairwise(self.quantiles)):
            raise ValueError(error("quantiles", "increasing numbers in (0, 1)", quantiles))
        self.crossing = flag("crossing", crossing)

    def activate(self, logits: Tensor, name: str) -> Tensor:
        return super().activate(logits, name) if self.crossing else Increasing(dtype="float32", name=name)(logits)

    def loss(self) -> keras.losses.Loss:
        return Pinball(self.quantiles)

    def metrics(self) -> list[keras.metrics.Metric]:
        return [EntryMean(_covered, name="coverage")]

    def _output(self):
        return len(self.quantiles), "linear"

    def get_config(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles, "crossing": self.crossing, **super().get_config()}


def _covered(y_true, y_pred):
    """Returns 1 for each label between the lowest and the highest predicted quantile, else 0. [B]"""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(ops.reshape(y_true, (-1,)), y_pred.dtype)
    low, high = ops.min(y_pred, axis=-1), ops.max(y_pred, axis=-1)
    return ops.cast(ops.logical_and(low <= y_true, y_true <= high), y_pred.dtype)
