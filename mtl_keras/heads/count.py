"""The head for counts."""

from typing import Any

import keras

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras.heads._base import Head
from mtl_keras.metrics import ElementwiseMeanAbsoluteError


@public
class Count(Head):
    """A number of things: predicts the rate of a Poisson distribution, which is its mean, [batch, 1].

    Labels are numbers of at least 0, [batch] or [batch, 1]. The default loss is `keras.losses.Poisson`, rate − y·log
    rate, the default metric the mean absolute error.

    Args:
        link: Turns a score into a rate: `"softplus"`, or `"exponential"`, the canonical link, which overflows in
            float32 at scores over 88.
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If `link` is neither of the two, or a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("visitors", mtl.heads.Count())
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["visitors"]  # [[0.69]]
    ```
    """

    label_range = (0, float("inf"))
    output_kind = "rates"

    def __init__(self, link: str = "softplus", hidden: tuple[int, ...] = (), activation: str = "relu"):
        super().__init__(hidden, activation)
        self.link = choice("link", link, ("softplus", "exponential"))

    def loss(self) -> keras.losses.Loss:
        return keras.losses.Poisson()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [ElementwiseMeanAbsoluteError(name="mae")]

    def _output(self):
        return 1, self.link

    def get_config(self) -> dict[str, Any]:
        return {"link": self.link, **super().get_config()}
