"""The inputs of a tower as vectors or as an image."""

import keras
from keras import layers, ops


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
