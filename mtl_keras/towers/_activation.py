"""Checks an activation argument, and applies the activation."""

from typing import Any

import keras
from keras import layers


def check_activation(value: Any) -> Any:
    """Returns `value` if it is the name of a Keras activation or a function; else raises a ValueError."""
    if isinstance(value, keras.layers.Layer) or not (isinstance(value, str) or callable(value)):
        raise ValueError(
            "`activation` must be the name of a Keras activation or a function without weights. "
            f"Received: activation={value!r}. Use, for example, `activation='relu'`."
        )
    if isinstance(value, str):
        try:
            keras.activations.get(value)
        except ValueError:
            raise ValueError(
                "`activation` must be the name of a Keras activation. "
                f"Received: activation={value!r}. Use, for example, `activation='relu'`."
            ) from None
    return value


def activated(x, name, activation, batch_norm):
    """Applies batch norm, if requested, and the activation."""
    if batch_norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_activation")(x)
