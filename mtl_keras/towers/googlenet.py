"""A tower in the form of GoogLeNet, the first network of Inception modules."""

import dataclasses
from collections.abc import Callable
from functools import partial

from keras import layers

from mtl_keras._arguments import count, flag, settle
from mtl_keras._registry import public
from mtl_keras.towers._base import Tower
from mtl_keras.towers._convolutions import conv_relu
from mtl_keras.towers._inputs import as_image
from mtl_keras.towers._regularization import dropped, settle_regularization
from mtl_keras.towers._stage import Stage

MODULES = {  # table 1 of the paper: filters of 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; after pooling
    "inception3": {"a": (64, 96, 128, 16, 32, 32), "b": (128, 128, 192, 32, 96, 64)},
    "inception4": {
        "a": (192, 96, 208, 16, 48, 64),
        "b": (160, 112, 224, 24, 64, 64),
        "c": (128, 128, 256, 24, 64, 64),
        "d": (112, 144, 288, 32, 64, 64),
        "e": (256, 160, 320, 32, 128, 128),
    },
    "inception5": {"a": (256, 160, 320, 32, 128, 128), "b": (384, 192, 384, 48, 128, 128)},
}


@public
@dataclasses.dataclass(frozen=True)
class GoogLeNet(Tower):
    """Nine Inception modules: `"stem"`, `"inception3"`, `"inception4"`, `"inception5"`.

    A module joins the channels of four branches: a 1x1 convolution, a 3x3 and a 5x5 convolution, each after a
    1x1 convolution that reduces the channels, and max pooling. The last stage ends in global average pooling. For
    images `[H, W]` or `[H, W, channels]` of any size. With its defaults, 3 channels and a head of 1000 classes it has
    6,998,552 parameters.

    Args:
        width: Number of filters of the first convolution; 64 in the paper, and all others in proportion,
            rounded down, at least 1.
        small_stem: For small images, such as 32x32: the first convolution is 3x3 with stride 1, for 7x7 with
            stride 2, and the stem does not pool. The modules then see images 8 times as wide and high.
        batch_norm: Whether to normalise before each activation; the convolutions then have no bias.
        dropout: Share of the values dropped at the end, in [0, 1).
        l1, l2: Weights of the penalties Σ|w| and Σw² on each kernel of the tower, which are added to the loss. The
            heads have no penalty.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    ```python
    inputs = features = keras.Input((32, 32, 3))
    for name, stage in mtl.towers.GoogLeNet(width=8, small_stem=True, batch_norm=True).stages().items():
        features = stage(features, f"shared_{name}")
    model = keras.Model(inputs, features)
    ```

    An auxiliary classifier is a task after the module 4a, and after 4d, with the labels of the main one:

    ```python
    tower = mtl.towers.GoogLeNet(width=4, small_stem=True)
    model = mtl.build_model((32, 32, 3), [mtl.Task("animal", mtl.heads.Multiclass(3))], tower=tower)
    auxiliary = mtl.Task("auxiliary", mtl.heads.Multiclass(3, hidden=(16,)), weight=0.3)
    model = model.add_task(auxiliary, after="shared_inception4_a_join")
    model.compile("adam")
    images, labels = np.zeros((4, 32, 32, 3)), np.array([0, 1, 2, 0])
    model.fit(images, {"animal": labels, "auxiliary": labels}, verbose=0)
    ```

    Reference:
        C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich,
        "Going deeper with convolutions", 2015. Departures: no normalisation of local responses; He's
        initialisation; the two auxiliary classifiers are separate tasks, as above, with dense layers on the
        mean of the maps.
    """

    width: int = 64
    small_stem: bool = False
    batch_norm: bool = False
    dropout: float = 0.4
    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        settle(
            self,
            width=count("width", self.width),
            small_stem=flag("small_stem", self.small_stem),
            batch_norm=flag("batch_norm", self.batch_norm),
        )
        settle_regularization(self)

    def stages(self) -> dict[str, Callable]:
        last = list(MODULES)[-1]
        modules = {stage: Stage(partial(self._modules, stage=stage, last=stage == last)) for stage in MODULES}
        return {"stem": Stage(self._stem), **modules}

    def _stem(self, x, name):
        kernel_size, stride = (3, 1) if self.small_stem else (7, 2)
        x = self._conv(as_image(x, name), f"{name}_1", 64, kernel_size, stride)
        x = x if self.small_stem else _halved(x, f"{name}_1")
        x = self._conv(x, f"{name}_2", 64, 1)
        x = self._conv(x, f"{name}_3", 192, 3)
        return x if self.small_stem else _halved(x, f"{name}_3")

    def _modules(self, x, name, stage, last):
        for module, filters in MODULES[stage].items():
            x = self._module(x, f"{name}_{module}", filters)
        if not last:
            return _halved(x, name)
        x = layers.GlobalAveragePooling2D(name=f"{name}_pool")(x)
        return dropped(x, name, self.dropout)

    def _module(self, x, name, filters):
        ones, reduce3, threes, reduce5, fives, after_pool = filters
        pool = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
        branches = [
            self._conv(x, f"{name}_1x1", ones, 1),
            self._conv(self._conv(x, f"{name}_3x3_reduce", reduce3, 1), f"{name}_3x3", threes, 3),
            self._conv(self._conv(x, f"{name}_5x5_reduce", reduce5, 1), f"{name}_5x5", fives, 5),
            self._conv(pool, f"{name}_pool", after_pool, 1),
        ]
        return layers.Concatenate(name=f"{name}_join")(branches)

    def _conv(self, x, name, filters, kernel_size, stride=1):
        filters = max(1, filters * self.width // 64)
        options = {"stride": stride, "batch_norm": self.batch_norm, "l1": self.l1, "l2": self.l2}
        return conv_relu(x, name, filters, kernel_size, **options)


def _halved(x, name):
    return layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
