"""A tower from a model of `keras.applications`."""

import dataclasses
from collections.abc import Callable

import keras
from keras import layers

from mtl_keras._arguments import choice, settle
from mtl_keras.towers._base import Tower
from mtl_keras.towers._inputs import as_image


@dataclasses.dataclass(frozen=True)
class Applications(Tower):
    """A model of `keras.applications` without its head, as one stage `"model"`, which takes raw pixels.

    The stage is one `keras.Model`: the application's `preprocess_input`, the application, and global average
    pooling. It takes images `[H, W]` or `[H, W, channels]` with 1 or 3 channels and values in [0, 255], of any
    size that the application takes: most take 32x32, Inception models 75x75, Xception 71x71. A single channel
    is repeated three times. Each copy begins with the same pre-trained weights, or with its own random weights.

    Args:
        model: Name of an application in `keras.applications`, such as `"ResNet50"`.
        weights: `None` for random weights, or `"imagenet"`, which Keras downloads once.

    Raises:
        ValueError: If an argument is not one of these, or if the application does not take the image.

    Example:

    ```python
    tower = mtl.towers.Applications("MobileNet")
    features = tower.stages()["model"](keras.Input((32, 32, 3), dtype="uint8"), "shared_model")
    features.shape  # (None, 1024)
    ```
    """

    model: str
    weights: str | None = None

    def __post_init__(self) -> None:
        settle(
            self,
            model=choice("model", self.model, [name for name in dir(keras.applications) if name[0].isupper()]),
            weights=choice("weights", self.weights, (None, "imagenet")),
        )

    def stages(self) -> dict[str, Callable]:
        return {"model": self._apply}

    def _apply(self, x, name):
        x = as_image(x, name)
        *size, channels = x.shape[1:]
        if channels not in (1, 3):
            raise ValueError(
                f"`inputs` of the tower of {self.model} must be an image of 1 or 3 channels. "
                f"Received: {list(x.shape[1:])}. Use another tower, such as `tower='resnet'`."
            )
        function = getattr(keras.applications, self.model)
        family = getattr(keras.applications, function.__module__.rpartition(".")[-1])  # keras.applications.resnet, say
        image = keras.Input((*size, channels))
        pixels = layers.Concatenate(name="grey")([image] * 3) if channels == 1 else image
        application = function(include_top=False, weights=self.weights, input_shape=(*size, 3), pooling="avg")
        features = application(family.preprocess_input(pixels))
        return keras.Model(image, features, name=name)(x)
