"""Trains members from functions that build them."""

from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._arguments import error
from mtl_keras.data import from_arrays
from mtl_keras.ensembles._members import check_member
from mtl_keras.models import MultiTaskModel


def check_build(name: str, build: Any) -> None:
    """Raises a ValueError unless a value can be called."""
    if not callable(build) or isinstance(build, keras.Model):
        raise ValueError(error(name, "a function without arguments that returns a compiled `MultiTaskModel`", build))


def trained(
    name: str,
    build: Callable[[], MultiTaskModel],
    x: Any,
    y: dict[str, Any],
    weight: dict[str, Any],
    *,
    epochs: int,
    batch_size: int,
    seed: int,
) -> MultiTaskModel:
    """Returns a model that was built and trained on rows.

    Args:
        name: Name of the function in errors.
        build: Function that returns a compiled model.
        x, y, weight: Inputs, labels and weights of the rows.
        epochs, batch_size: As in Keras.
        seed: Seed of the variables and of the order of the rows.
    """
    keras.utils.set_random_seed(seed)
    model = build()
    check_member(model, f"{name}()")
    if not model.compiled:
        raise ValueError(
            f"`{name}` must return a compiled model. Received: a model that is not compiled. Call `model.compile`."
        )
    batches = from_arrays(x, y, batch_size, sample_weight=weight, missing=None, shuffle=True, seed=seed)
    model.fit(batches, epochs=epochs, verbose=0)
    return model
