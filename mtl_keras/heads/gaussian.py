"""The head for a real number and its uncertainty."""

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.heads._base import Head
from mtl_keras.layers import MeanAndDeviation
from mtl_keras.losses import GaussianLikelihood
from mtl_keras.metrics._entry_mean import EntryMean


@public
class Gaussian(Head):
    """A real number with its uncertainty: predicts a mean and a standard deviation, [batch, 2].

    They are those of a normal distribution. Labels are floats, [batch] or [batch, 1]. The default loss is
    `losses.GaussianLikelihood`, the default metric the mean absolute error of the mean. Scale the labels to about unit
    variance: the deviation is about 0.7 at the beginning.

    Args:
        hidden: Widths of the dense layers of the head.
        activation: Activation of those layers.

    Raises:
        ValueError: If a width is not a positive integer.

    Example:

    ```python
    task = mtl.Task("price", mtl.heads.Gaussian())
    model = mtl.build_model((8, 8), [task])
    model.predict(np.zeros((1, 8, 8)), verbose=0)["price"]  # [[0.0, 0.69]]
    ```

    Reference: D. Nix, A. Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994.
    """

    output_kind = "normal"

    def activate(self, logits: Tensor, name: str) -> Tensor:
        return MeanAndDeviation(dtype="float32", name=name)(logits)

    def loss(self) -> keras.losses.Loss:
        return GaussianLikelihood()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [EntryMean(_error_of_the_mean, name="mae")]

    def _output(self):
        return 2, "linear"


def _error_of_the_mean(y_true, y_pred):
    """Returns the absolute error of each predicted mean. [B]"""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.abs(ops.cast(ops.reshape(y_true, (-1,)), y_pred.dtype) - y_pred[:, 0])
