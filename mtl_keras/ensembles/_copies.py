"""Copies of whole models."""

import keras

from mtl_keras.engine.graph import copy_state, with_inner
from mtl_keras.models import MultiTaskModel


def copy_of(model: MultiTaskModel) -> MultiTaskModel:
    """Returns a copy of a model with new layers, and the same configuration, variables and compilation."""
    new = type(model).from_config(model.get_config())
    for old, copied in zip(with_inner(model.layers), with_inner(new.layers), strict=True):
        copy_state(old, copied)
    if model.compiled:
        new.compile_from_config(model.get_compile_config())
    else:
        new.compile()
    return new


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Returns the batch norm layers whose statistics change in training."""
    layers = with_inner(model.layers)
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]
