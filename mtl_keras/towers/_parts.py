"""Pieces of graph that several towers are made of."""

from functools import partial

import keras
from keras import layers, ops

from mtl_keras.layers import StackedDense
from mtl_keras.towers._stage import Stage


def as_float(x):
    """Returns `x`, cast if it holds integers or booleans."""
    if keras.backend.is_float_dtype(x.dtype):
        return x
    if x.dtype == "string":
        raise ValueError(
            f"`inputs` of a tower must be numbers. Received: an input {x.name!r} of strings. "
            "Use the tower `mtl_keras.towers.Tabular`, or encode it in the data pipeline."
        )
    return ops.cast(x, keras.config.floatx())


def as_vector(x, name):
    """Returns `[B, n]`: the inputs flattened, and concatenated if there are several.

    Args:
        x: A tensor `[B, ...]`, or `{input name: tensor}`.
        name: Beginning of the names of the layers.
    """
    if not isinstance(x, dict):
        return _flat(x, f"{name}_flatten")
    parts = [_flat(part, f"{name}_flatten_{key}") for key, part in x.items()]
    return parts[0] if len(parts) == 1 else layers.Concatenate(name=f"{name}_concatenate")(parts)


def as_image(x, name):
    """Returns `[B, H, W, C]`: the one input, with a channel axis if it has none.

    Args:
        x: A tensor `[B, H, W]` or `[B, H, W, C]`, or `{input name: tensor}` with one such.
        name: Beginning of the names of the layers.
    """
    if isinstance(x, dict):
        if len(x) != 1:
            raise ValueError(
                f"`inputs` of an image tower must be one image. Received: {len(x)} inputs, {', '.join(x)}. "
                "Use `tower='mlp'`, or a `keras.Model` with these inputs as the tower."
            )
        (x,) = x.values()
    x = as_float(x)
    if len(x.shape) == 4:
        return x
    if len(x.shape) != 3:
        raise ValueError(
            "`inputs` of an image tower must have the shape [H, W] or [H, W, channels]. "
            f"Received: {list(x.shape[1:])}. Use `tower='mlp'` for other shapes."
        )
    return layers.Reshape((*(side or -1 for side in x.shape[1:]), 1), name=f"{name}_channel")(x)


def dense(x, name, units, activation, dropout=0.0, batch_norm=False, l1=0.0, l2=0.0):
    """Returns `[B, units]`: dense, batch norm, activation, dropout, of any inputs flattened first."""
    x = as_vector(x, name)
    x = layers.Dense(units, use_bias=not batch_norm, kernel_regularizer=penalty(l1, l2), name=f"{name}_dense")(x)
    return dropped(activated(x, name, activation, batch_norm), name, dropout)


def penalty(l1, l2):
    """Returns the regularizer l1·Σ|w| + l2·Σw², or None if both factors are 0."""
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def stacked_dense(x, name, num, common, units, activation, dropout=0.0, batch_norm=False, l1=0.0, l2=0.0):
    """Returns `[B, num, units]`: what `num` copies of `dense` make, at once.

    Args:
        x: What `dense` takes, if it is `common` to the copies; else `[B, num, n]`.
    """
    x = as_vector(x, name) if common else x
    x = StackedDense(num, units, use_bias=not batch_norm, kernel_regularizer=penalty(l1, l2), name=f"{name}_dense")(x)
    if batch_norm:  # the axis of the copies and that of their units, as one
        x = layers.Reshape((num * units,), name=f"{name}_join")(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        x = layers.Reshape((num, units), name=f"{name}_part")(x)
    return dropped(activated(x, name, activation, batch_norm=False), name, dropout)


def dense_stage(**arguments):
    """Returns the `Stage` of `dense` with these arguments."""
    return Stage(partial(dense, **arguments), stacked=partial(stacked_dense, **arguments))


def conv_relu(x, name, filters, kernel_size, stride=1, batch_norm=False, l1=0.0, l2=0.0):
    """Returns the image after a padded convolution, batch norm if asked for, and ReLU."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        kernel_regularizer=penalty(l1, l2),
        name=f"{name}_conv",
    )(x)
    return activated(x, name, "relu", batch_norm)


def conv_norm(x, name, filters, kernel_size, stride=1, weight_decay=0.0):
    """Returns the image after a padded convolution and batch norm, as residual networks have them."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(weight_decay / 2) if weight_decay else None,
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def activated(x, name, activation, batch_norm):
    """Returns `x` after batch norm, if there is one, and the activation."""
    if batch_norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation(activation, name=f"{name}_activation")(x)


def dropped(x, name, dropout):
    """Returns `x` after dropout, if there is any."""
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def pooled(x, name, pooling):
    """Returns the image at half its size; as it is if a side is 1 already."""
    if 1 in x.shape[1:3]:
        return x
    pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    return pool(2, name=f"{name}_pool")(x)


def _flat(x, name):
    x = as_float(x)
    if len(x.shape) == 2:
        return x
    if len(x.shape) == 1:
        return layers.Reshape((1,), name=name)(x)
    if None in x.shape[1:]:
        raise ValueError(
            f"`inputs` of dense layers must have a fixed size. Received: {list(x.shape[1:])}. "
            "Give the size, or use a tower that ends in global pooling, such as `tower='conv'`."
        )
    return layers.Flatten(name=name)(x)
