"""The head for real numbers."""

from typing import Any

import keras

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras.heads._base import Head
from mtl_keras.losses import ElementwiseMeanSquaredError
from mtl_keras.metrics import ElementwiseMeanAbsoluteError


@public
class Regression(Head):
    """`units` real numbers: predicts their values, [batch, units].

    Labels are floats, [batch, units], or [batch] for one unit; single ones may be missing. The default loss
    is the mean squared error over the numbers that are not missing, the default metric the mean absolute error.
    Scale the labels to about unit variance, so that the loss has about the size of the losses of other tasks.

    Args:
        units: How many numbers, at least 1.
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If `units` or a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("ink", mtl.heads.Regression(), weight=0.5)
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["ink"].shape  # (1, 1)
    ```
    """

    output_kind = "numbers"

    def __init__(self, units: int = 1, hidden: tuple[int, ...] = (), activation: str = "relu"):
        super().__init__(hidden, activation)
        self.units = count("units", units)

    def loss(self) -> keras.losses.Loss:
        return ElementwiseMeanSquaredError()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [ElementwiseMeanAbsoluteError(name="mae")]

    def _output(self):
        return self.units, "linear"

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units, **super().get_config()}
