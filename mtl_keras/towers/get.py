"""Turns a string, a recipe, a model or a layer into a tower."""

import keras

from mtl_keras import _registry
from mtl_keras.towers._base import Tower
from mtl_keras.towers.existing import Existing


def as_tower(identifier: str | Tower | keras.layers.Layer) -> Tower:
    """Returns a tower from a look-up string, a recipe, or a Keras model or layer.

    Args:
        identifier: A string such as `"lenet"`, a recipe such as `LeNet()`, or a `keras.Model` or
            `keras.layers.Layer`, which becomes `Existing(identifier)`.

    Returns:
        The recipe, a `Tower`.

    Raises:
        ValueError: If `identifier` is none of these.

    Example:

    ```python
    mtl.towers.as_tower("mlp")  # MLP()
    mtl.towers.as_tower(keras.layers.Dense(64))  # Existing(...)
    ```
    """
    tower = _registry.get("towers", identifier)
    if isinstance(tower, Tower):
        return tower
    if isinstance(tower, keras.layers.Layer):
        return Existing(tower)
    known = ", ".join(repr(name) for name in _registry.names("towers"))
    raise ValueError(
        f"`tower` must be one of {known}, a recipe such as `mtl_keras.towers.MLP()`, or a keras.Model or "
        f"keras.layers.Layer. Received: tower={identifier!r}. Call the class first if it is one."
    )
