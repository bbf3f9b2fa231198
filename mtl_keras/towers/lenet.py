"""A tower in the form of LeNet-5."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import choice, counts, settle
from mtl_keras._registry import public
from mtl_keras.towers._activation import activated, check_activation
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import pooled
from mtl_keras.towers._dense import dense_stages
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import penalty, settle_regularization
from mtl_keras.towers._stage import Stage


@public
@dataclasses.dataclass(frozen=True)
class LeNet(Tower):
    """Convolutions of 5x5 with pooling, then dense layers: `"conv1"`, `"conv2"`, `"dense1"`, `"dense2"`.

    For images `[H, W]` or `[H, W, channels]` of any fixed size. The first convolution is padded, so that
    28x28 images give the 14x14 and 5x5 maps of the paper. A later one is padded if the map is smaller
    than 6x6, and a side of 1 is not pooled.

    Args:
        filters: Number of filters of each convolution.
        units: Width of each dense layer.
        activation: Name of a Keras activation, or a function.
        pooling: `"max"` or `"average"`.
        dropout: Share of the values dropped after each dense layer, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            heads have no penalty.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((28, 28, 1))
    for name, stage in mtl.towers.LeNet(dropout=0.2).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```

    Reference:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
        recognition", 1998. Departures: ReLU instead of the scaled tanh, max pooling instead of the
        trainable sub-sampling, and every map of the second convolution sees all maps of the first.
    """

    filters: tuple[int, ...] = (6, 16)
    units: tuple[int, ...] = (120, 84)
    activation: str | Callable = "relu"
    pooling: str = "max"
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            filters=counts("filters", self.filters, hint="Write `filters=(64,)` for a single stage."),
            units=counts("units", self.units, hint="Write `units=(64,)` for a single stage."),
            activation=check_activation(self.activation),
            pooling=choice("pooling", self.pooling, ("max", "average")),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        stages = {}
        for i, filters in enumerate(self.filters, start=1):
            stages[f"conv{i}"] = Stage(partial(self._conv, filters=filters, padded=i == 1))
        options = {"activation": self.activation, "dropout": self.dropout, "l1": self.l1, "l2": self.l2}
        return {**stages, **dense_stages(self.units, **options)}

    def _conv(self, x, name, filters, padded):
        x = as_image(x, name)
        small = any(side is not None and side < 6 for side in x.shape[1:3])
        padding = "same" if padded or small else "valid"
        x = layers.Conv2D(
            filters, 5, padding=padding, kernel_regularizer=penalty(self.l1, self.l2), name=f"{name}_conv"
        )(x)
        return pooled(activated(x, name, self.activation, batch_norm=False), name, self.pooling)
