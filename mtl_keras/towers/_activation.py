"""The activation of a layer: the check of the argument, and what it is in the graph."""

from typing import Any

import keras
from keras import layers


def check_activation(value: Any) -> Any:
    """Returns the name of one of Keras' activations or a function, or raises a ValueError unless it is one."""
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
    """Returns `x` after batch norm, if there is one, and the activation."""
    if batch_norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_activation")(x)
