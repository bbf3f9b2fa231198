"""A tower in the form of the residual networks for ImageNet."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import choice, count, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import conv_norm
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import check_weight_decay
from mtl_keras.towers._stage import Stage

BLOCKS = {  # depth: number of blocks of each group
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
BASIC = (18, 34)  # depths whose blocks have two convolutions of 3x3; the others' have 1x1, 3x3 and 1x1


@public
@dataclasses.dataclass(frozen=True)
class ResNetImageNet(Tower):
    """A residual network for larger images: `"stem"`, `"group1"` to `"group4"`.

    A stem divides each side by 4. Then come groups of blocks with 1, 2, 4 and 8 times `width` filters. From
    depth 50 on, a block ends with four times as many filters. All groups but the first begin with stride 2,
    and the last ends in global average pooling. For images `[H, W]` or `[H, W, channels]` of any size. On 3
    channels and with a head of 1000 classes, depth 18 has 11,689,512, depth 34 21,797,672 and depth 50
    25,557,032 trainable parameters.

    Args:
        depth: Number of layers with weights, counting the head: 18, 34, 50, 101 or 152.
        width: Number of filters of the first group.
        small_stem: For small images, such as 32x32: a 3x3 stem with stride 1 and no pooling, instead of
            7x7 with stride 2 and max pooling.
        keep_map: Whether the features stay a map, which `heads.Detection` and `heads.Segmentation` need. Other
            heads average over the map.
        weight_decay: λ of the penalty λ/2·||kernel||², whose gradient is λ·kernel; 1e-4 in the paper.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((64, 64, 3))
    for name, stage in mtl.towers.ResNetImageNet(depth=18, width=4).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016, section 4.1, with
        the paper's shortcut B (a convolution of 1x1 where the shape changes). Departures: stride 2 is in the
        3x3 convolution of a block of three, not in the first; Keras' momentum and epsilon for batch norm; the
        decay acts on kernels only.
    """

    depth: int = 50
    width: int = 64
    small_stem: bool = False
    keep_map: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            depth=choice("depth", self.depth, BLOCKS),
            width=count("width", self.width),
            small_stem=flag("small_stem", self.small_stem),
            keep_map=flag("keep_map", self.keep_map),
            weight_decay=check_weight_decay(self.weight_decay),
        )

    def stages(self) -> dict[str, Callable]:
        stages: dict[str, Callable] = {"stem": Stage(self._stem)}
        for i, blocks in enumerate(BLOCKS[self.depth], start=1):
            stages[f"group{i}"] = Stage(partial(self._group, i=i, blocks=blocks))
        return stages

    def _stem(self, x, name):
        kernel_size, stride = (3, 1) if self.small_stem else (7, 2)
        x = self._conv(as_image(x, name), name, self.width, kernel_size, stride)
        x = layers.Activation("relu", name=f"{name}_activation")(x)
        return x if self.small_stem else layers.MaxPooling2D(3, 2, padding="same", name=f"{name}_pool")(x)

    def _group(self, x, name, i, blocks):
        filters = self.width * 2 ** (i - 1)
        for j in range(1, blocks + 1):
            x = self._block(x, f"{name}_block{j}", filters, stride=2 if i > 1 and j == 1 else 1)
        pools = i == 4 and not self.keep_map
        return layers.GlobalAveragePooling2D(name=f"{name}_pool")(x) if pools else x

    def _block(self, x, name, filters, stride):
        if self.depth in BASIC:
            convs = [(filters, 3, stride), (filters, 3, 1)]
        else:
            convs = [(filters, 1, 1), (filters, 3, stride), (4 * filters, 1, 1)]
        y = x
        for i, (width, kernel_size, step) in enumerate(convs, start=1):
            y = layers.Activation("relu", name=f"{name}_{i - 1}_activation")(y) if i > 1 else y
            y = self._conv(y, f"{name}_{i}", width, kernel_size, step)
        if stride > 1 or x.shape[-1] != y.shape[-1]:
            x = self._conv(x, f"{name}_shortcut", y.shape[-1], 1, stride)
        y = layers.Add(name=f"{name}_add")([x, y])
        return layers.Activation("relu", name=f"{name}_activation")(y)

    def _conv(self, x, name, filters, kernel_size, stride):
        return conv_norm(x, name, filters, kernel_size, stride, self.weight_decay)
