"""A tower in the form of the residual networks for CIFAR-10."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import count, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import conv_norm
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import check_weight_decay
from mtl_keras.towers._stage import Stage


@public
@dataclasses.dataclass(frozen=True)
class ResNet(Tower):
    """A residual network for small images: `"stem"`, `"group1"`, `"group2"`, `"group3"`.

    A 3x3 stem, then three groups of n = (depth - 2) / 6 blocks with `width`, 2·`width` and 4·`width`
    filters; the second and third group begin with stride 2, and the last ends in global average pooling.
    A block is `relu(x + norm(conv(relu(norm(conv(x))))))`. For images `[H, W]` or `[H, W, channels]` of
    any size. The tower of depth 20 has 269,072 trainable parameters on 3 channels.

    Args:
        depth: Number of layers with weights, counting the head: 6n + 2, such as 20, 32, 44 or 56.
        width: Number of filters of the first group.
        keep_map: Whether the features stay a map, which `heads.Detection` and `heads.Segmentation` need. Other
            heads average over the map.
        weight_decay: λ of the penalty λ/2·||kernel||², whose gradient is λ·kernel; 1e-4 in the paper.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((32, 32, 3))
    for name, stage in mtl.towers.ResNet(depth=8).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", 2016, section 4.2,
        with the paper's shortcut A (no weights: every second pixel, and zeros for the new filters).
        Departures: Keras' momentum and epsilon for batch norm; the decay acts on kernels only.
    """

    depth: int = 20
    width: int = 16
    keep_map: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            depth=count("depth", self.depth),
            width=count("width", self.width),
            keep_map=flag("keep_map", self.keep_map),
            weight_decay=check_weight_decay(self.weight_decay),
        )
        if self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(
                "`depth` must be 6n + 2 with n of at least 1. "
                f"Received: depth={self.depth}. Use 8, 14, 20, 32, 44 or 56."
            )

    def stages(self) -> dict[str, Callable]:
        return {
            "stem": Stage(self._stem),
            "group1": Stage(partial(self._group, filters=self.width, stride=1)),
            "group2": Stage(partial(self._group, filters=2 * self.width, stride=2)),
            "group3": Stage(partial(self._group, filters=4 * self.width, stride=2, pools=not self.keep_map)),
        }

    def _stem(self, x, name):
        x = self._conv(as_image(x, name), name, self.width)
        return layers.Activation("relu", name=f"{name}_activation")(x)

    def _group(self, x, name, filters, stride, pools=False):
        for i in range(1, (self.depth - 2) // 6 + 1):
            x = self._block(x, f"{name}_block{i}", filters, stride if i == 1 else 1)
        return layers.GlobalAveragePooling2D(name=f"{name}_pool")(x) if pools else x

    def _block(self, x, name, filters, stride):
        y = self._conv(x, f"{name}_1", filters, stride)
        y = layers.Activation("relu", name=f"{name}_1_activation")(y)
        y = self._conv(y, f"{name}_2", filters)
        y = layers.Add(name=f"{name}_add")([_shortcut(x, name, filters, stride), y])
        return layers.Activation("relu", name=f"{name}_activation")(y)

    def _conv(self, x, name, filters, stride=1):
        return conv_norm(x, name, filters, 3, stride, self.weight_decay)


def _shortcut(x, name, filters, stride):
    if stride > 1:
        x = layers.MaxPooling2D(1, strides=stride, name=f"{name}_subsample")(x)  # every second pixel
    extra = filters - x.shape[-1]
    if extra:
        # Read as channels first, C is the width of [B, H, W, C], so a Keras layer can pad it.
        pad = layers.ZeroPadding2D(((0, 0), (0, extra)), data_format="channels_first", name=f"{name}_zeros")
        x = pad(x)
    return x
