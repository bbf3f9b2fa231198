"""The gates of the schemes with experts: what they read, and how they are made."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from mtl_keras._arguments import counts, flag, number, settle
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import SoftmaxGate

_CELLS = 4  # cells per side of the grid that an image is reduced to


def settle_gates(scheme: Any) -> None:
    """Checks and stores the arguments of all schemes with gates: `gate_units`, `balance` and `stacked`."""
    hint = "These are the widths of hidden layers. Use () for none."
    settle(
        scheme,
        gate_units=counts("gate_units", scheme.gate_units, empty=True, hint=hint),
        balance=number("balance", scheme.balance, at_least=0, hint="Use 0.0 for none."),
        stacked=flag("stacked", scheme.stacked),
    )


def gate_input(x: Tensors, stages: dict[str, Callable], name: str) -> Tensor:
    """Returns `[B, n]`, the form of the experts' input that gates read.

    Vectors stay unchanged. Images are averaged over a grid of at most 4x4 cells, or over all pixels if the size varies.
    Sequences are averaged over the positions in the mask. Several inputs are concatenated.

    Args:
        x: Keras tensor, or a dict of them by name.
        stages: The stages that read x.
        name: Beginning of the names of the layers.
    """
    knows = getattr(next(iter(stages.values())), "front", None) is not None  # a plain function has no `front`
    if not isinstance(x, dict):
        return _vector(x, knows, name)
    parts = [_vector(part, knows, f"{name}_{key}") for key, part in x.items()]
    return parts[0] if len(parts) == 1 else layers.Concatenate(name=f"{name}_concatenate")(parts)


def softmax_gate(
    x: Tensor,
    name: str,
    num_experts: int,
    gate_units: tuple[int, ...],
    temperature: float,
    balance: float,
    labels: tuple[str, list[str], str],
) -> Tensor:
    """Returns the weights of the experts, `[B, num_experts]`, from the result of `gate_input`."""
    x = hidden(x, name, gate_units)
    return SoftmaxGate(num_experts, temperature, balance, labels, name=name)(x)


def hidden(x: Tensor, name: str, gate_units: tuple[int, ...]) -> Tensor:
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
            "Add a channel axis; or, with a tower of several stages, let the gates read the output of the first "
            "one by `split_after=1`."
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
            f"The gates read the input {x.name!r} of the experts, which must be numeric. Received: dtype {x.dtype}. "
            "For ids or strings, let the tasks share the stage that embeds them: `split_after=1` with a tower of "
            "several stages, or `towers.Stage(..., front=True)` in a custom tower. For numbers, use "
            "`preprocess=keras.layers.Rescaling(1 / 255)` or another layer that returns floats."
        )
    return ops.cast(x, keras.config.floatx())
