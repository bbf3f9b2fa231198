"""A tower in the form of the networks of the Visual Geometry Group."""

import dataclasses
from collections.abc import Callable
from functools import partial

from mtl_keras._arguments import choice, count, counts, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import conv_relu, pooled
from mtl_keras.towers._dense import dense_stages
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import settle_regularization
from mtl_keras.towers._stage import Stage

CONVS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # depth: of each stage
TIMES = (1, 2, 4, 8, 8)  # filters of each stage, in widths


@public
@dataclasses.dataclass(frozen=True)
class VGG(Tower):
    """Five stages of 3x3 convolutions, then dense layers: `"conv1"` to `"conv5"`, `"dense1"`, `"dense2"`.

    The stages have 1, 2, 4, 8 and 8 times `width` filters, and each ends in max pooling. For images `[H, W]`
    or `[H, W, channels]` of any fixed size; a side of 1 is not pooled, so 32x32 images end as 1x1. With its
    defaults, images of 224x224x3 and a head of 1000 classes it has 138,357,544 parameters.

    Args:
        depth: Number of layers with weights in the paper, counting three dense ones: 11, 13, 16 or 19.
        width: Number of filters of the first stage.
        units: Width of each dense layer.
        batch_norm: Whether to normalise before each activation; the layers then have no bias.
        dropout: Share of the values dropped after each dense layer, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            heads have no penalty.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((32, 32, 3))
    for name, stage in mtl.towers.VGG(depth=11, width=8, units=(32,), batch_norm=True).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```

    Reference:
        K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015:
        the networks A, B, D and E. Departures: batch norm as an option; He's initialisation of the
        convolutions, so the deep networks train without the weights of a shallow one.
    """

    depth: int = 16
    width: int = 64
    units: tuple[int, ...] = (4096, 4096)
    batch_norm: bool = False
    dropout: float = 0.5
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            depth=choice("depth", self.depth, CONVS),
            width=count("width", self.width),
            units=counts("units", self.units, hint="Write `units=(64,)` for a single stage."),
            batch_norm=flag("batch_norm", self.batch_norm),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        stages = {}
        for i, (convs, times) in enumerate(zip(CONVS[self.depth], TIMES, strict=True), start=1):
            stages[f"conv{i}"] = Stage(partial(self._convs, convs=convs, filters=times * self.width))
        options = {"dropout": self.dropout, "batch_norm": self.batch_norm, "l1": self.l1, "l2": self.l2}
        return {**stages, **dense_stages(self.units, activation="relu", **options)}

    def _convs(self, x, name, convs, filters):
        x = as_image(x, name)
        for i in range(1, convs + 1):
            options = {"batch_norm": self.batch_norm, "l1": self.l1, "l2": self.l2}
            x = conv_relu(x, f"{name}_{i}", filters, kernel_size=3, **options)
        return pooled(x, name, "max")
