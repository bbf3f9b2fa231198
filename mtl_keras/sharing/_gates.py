"""The gates of the schemes with experts: what they read, and how they are made."""

import math

import keras
from keras import layers, ops

from mtl_keras.layers import SoftmaxGate
from mtl_keras.sharing._experts import check_count

_CELLS = 4  # of the grid that an image is reduced to, a side


def check_gate(gate_units, balance, temperature=1.0):
    """Raises ValueError unless the arguments of a gate are in their ranges."""
    if not isinstance(gate_units, tuple | list):
        raise ValueError(
            "`gate_units` must be a tuple of positive integers, the widths of hidden layers. "
            f"Received: gate_units={gate_units!r}. Use () for none."
        )
    for units in gate_units:
        check_count("gate_units", units)
    if not temperature > 0:
        raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature!r}.")
    if not balance >= 0:
        raise ValueError(f"`balance` must be at least 0. Received: balance={balance!r}. Use 0.0 for none.")


def gate_input(x, stages, name):
    """Returns `[B, n]`, what gates read of the input of the experts.

    Vectors as they are; images as the means over a grid of at most 4x4 cells, or over all pixels if the size varies;
    sequences as the mean over the positions that the mask leaves; of several inputs each, joined.

    Args:
        x: Keras tensor, or a dict of them by name.
        stages: The stages that read x.
        name: Beginning of the names of the layers.
    """
    knows = getattr(next(iter(stages.values())), "front", None) is not None  # a plain function says nothing
    if not isinstance(x, dict):
        return _vector(x, knows, name)
    parts = [_vector(part, knows, f"{name}_{key}") for key, part in x.items()]
    return parts[0] if len(parts) == 1 else layers.Concatenate(name=f"{name}_concatenate")(parts)


def softmax_gate(x, name, num_experts, gate_units, temperature, balance, labels):
    """Returns the weights of the experts, `[B, num_experts]`, from what `gate_input` returned."""
    x = hidden(x, name, gate_units)
    return SoftmaxGate(num_experts, temperature, balance, labels, name=name)(x)


def hidden(x, name, gate_units):
    """Returns x after the hidden layers of a gate."""
    for i, units in enumerate(gate_units, start=1):
        x = layers.Dense(units, activation="relu", name=f"{name}_dense{i}")(x)
    return x


def _vector(x, knows, name):
    x = _numbers(x, knows)
    rank = len(x.shape)
    if rank == 1:
        return layers.Reshape((1,), name=f"{name}_reshape")(x)
    if x.shape[-1] is None:
        raise ValueError(
            f"The gates need an input with a fixed last axis. Received: {list(x.shape[1:])}. "
            "Give it a channel axis, or let the gates read what a stage returns, with `split_after=1`."
        )
    if rank == 3:
        x = layers.GlobalAveragePooling1D(name=f"{name}_pool")(x)
    elif rank == 4 and None not in x.shape[1:]:
        sides = x.shape[1:3]
        return layers.Flatten(name=f"{name}_flatten")(_grid(x, sides, name))
    elif rank > 3:
        x = ops.mean(x, axis=tuple(range(1, rank - 1)))
    return x


def _grid(x, sides, name):
    """Returns the means of an image over the cells of a grid; cells at the far edges may be smaller."""
    cells = tuple(math.ceil(side / _CELLS) for side in sides)
    if max(cells) == 1:
        return x
    return layers.AveragePooling2D(cells, padding="same", name=f"{name}_pool")(x)


def _numbers(x, knows):
    if keras.backend.is_float_dtype(x.dtype):
        return x
    if x.dtype == "string" or not knows:
        raise ValueError(
            f"The gates read the input {x.name!r} of the experts, which must be numbers. Received: dtype {x.dtype}. "
            "For ids or strings, let the tasks share the stage that embeds them: `split_after=1`, or "
            "`towers.Stage(..., front=True)` in a tower of your own. For numbers, use "
            "`preprocess=keras.layers.Rescaling(1 / 255)` or another layer that returns floats."
        )
    return ops.cast(x, keras.config.floatx())
