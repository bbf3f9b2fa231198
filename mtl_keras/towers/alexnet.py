"""A tower in the form of AlexNet."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import count, counts, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import conv_relu
from mtl_keras.towers._dense import dense_stages
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import settle_regularization
from mtl_keras.towers._stage import Stage

PLAN = {1: (11, 1), 2: (5, 3), 3: (3, 6), 4: (3, 4), 5: (3, 4)}  # convolution: (side of the kernel, filters in widths)
POOLED = (1, 2, 5)


@public
@dataclasses.dataclass(frozen=True)
class AlexNet(Tower):
    """Five convolutions and two dense layers: `"conv1"` to `"conv5"`, `"dense1"`, `"dense2"`.

    The convolutions have 1, 3, 6, 4 and 4 times `width` filters; the first, second and fifth end in max
    pooling of 3x3 with stride 2. For images `[H, W]` or `[H, W, channels]` of any fixed size; a side of 1 is
    not pooled. With its defaults, images of 224x224x3 and a head of 1000 classes it has 61,100,840
    parameters.

    Args:
        width: Number of filters of the first convolution.
        units: Width of each dense layer.
        small_stem: For small images, such as 32x32: the first convolution is 3x3 with stride 1, for 11x11 with
            stride 4.
        batch_norm: Whether to normalise before each activation; the layers then have no bias.
        dropout: Share of the values dropped after each dense layer, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            heads have no penalty.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((32, 32, 3))
    for name, stage in mtl.towers.AlexNet(width=8, units=(32,), small_stem=True).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```

    Reference:
        A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep convolutional neural
        networks", 2012, in the one column of A. Krizhevsky, "One weird trick for parallelizing convolutional
        neural networks", 2014. (The two columns of 2012 have 60,965,224 parameters.) Departures: no
        normalisation of local responses; the first convolution is padded to 56x56 for 55x55, which the
        pooling turns into 27x27, as in the paper; He's initialisation of the convolutions.
    """

    width: int = 64
    units: tuple[int, ...] = (4096, 4096)
    small_stem: bool = False
    batch_norm: bool = False
    dropout: float = 0.5
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            width=count("width", self.width),
            units=counts("units", self.units, hint="Write `units=(64,)` for a single stage."),
            small_stem=flag("small_stem", self.small_stem),
            batch_norm=flag("batch_norm", self.batch_norm),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        stages = {f"conv{i}": Stage(partial(self._conv, i=i)) for i in PLAN}
        options = {"dropout": self.dropout, "batch_norm": self.batch_norm, "l1": self.l1, "l2": self.l2}
        return {**stages, **dense_stages(self.units, activation="relu", **options)}

    def _conv(self, x, name, i):
        kernel_size, times = PLAN[i]
        stride = 1
        if i == 1:
            kernel_size, stride = (3, 1) if self.small_stem else (kernel_size, 4)
        options = {"stride": stride, "batch_norm": self.batch_norm, "l1": self.l1, "l2": self.l2}
        x = conv_relu(as_image(x, name), name, times * self.width, kernel_size, **options)
        return _pooled(x, name) if i in POOLED else x


def _pooled(x, name):
    sides = x.shape[1:3]
    if 1 in sides:
        return x
    padding = "same" if 2 in sides else "valid"
    return layers.MaxPooling2D(3, strides=2, padding=padding, name=f"{name}_pool")(x)
