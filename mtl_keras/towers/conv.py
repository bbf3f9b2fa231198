"""A tower of plain convolutions."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import choice, count, counts, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._activation import activated, check_activation
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import pooled
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import dropped, penalty, settle_regularization
from mtl_keras.towers._stage import Stage


@public
@dataclasses.dataclass(frozen=True)
class Conv(Tower):
    """Stages of convolutions, `"conv1"`, `"conv2"`, and so on, that end in global average pooling.

    For images `[H, W]` or `[H, W, channels]` of any size. Each stage but the last halves the image by
    pooling; a side of 1 is not pooled.

    Args:
        filters: Number of filters of each stage.
        convs_per_stage: Number of convolutions in each stage.
        kernel_size: Side of the kernels, in pixels.
        activation: Name of a Keras activation, or a function.
        batch_norm: Whether to normalise before each activation; the convolutions then have no bias.
        pooling: `"max"` or `"average"`, between the stages.
        keep_map: Whether the features stay a map, which `heads.Detection` and `heads.Segmentation` need. Other
            heads average over the map.
        dropout: Share of the values dropped at the end of each stage, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            heads have no penalty.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((32, 32, 3))
    for name, stage in mtl.towers.Conv(filters=(8, 16), convs_per_stage=2).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```
    """

    filters: tuple[int, ...] = (32, 64, 128)
    convs_per_stage: int = 1
    kernel_size: int = 3
    activation: str | Callable = "relu"
    batch_norm: bool = True
    pooling: str = "max"
    keep_map: bool = False
    dropout: float = 0.0
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            filters=counts("filters", self.filters, hint="Write `filters=(64,)` for a single stage."),
            convs_per_stage=count("convs_per_stage", self.convs_per_stage),
            kernel_size=count("kernel_size", self.kernel_size),
            activation=check_activation(self.activation),
            batch_norm=flag("batch_norm", self.batch_norm),
            pooling=choice("pooling", self.pooling, ("max", "average")),
            keep_map=flag("keep_map", self.keep_map),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        last = len(self.filters)
        return {
            f"conv{i}": Stage(partial(self._stage, filters=filters, last=i == last))
            for i, filters in enumerate(self.filters, start=1)
        }

    def _stage(self, x, name, filters, last):
        x = as_image(x, name)
        for i in range(1, self.convs_per_stage + 1):
            part = f"{name}_{i}"
            x = layers.Conv2D(
                filters,
                self.kernel_size,
                padding="same",
                use_bias=not self.batch_norm,
                kernel_regularizer=penalty(self.l1, self.l2),
                name=f"{part}_conv",
            )(x)
            x = activated(x, part, self.activation, self.batch_norm)
        if not last:
            x = pooled(x, name, self.pooling)
        elif not self.keep_map:
            x = layers.GlobalAveragePooling2D(name=f"{name}_pool")(x)
        return dropped(x, name, self.dropout)
