"""Stages of dense layers, as single layers or as several copies in one operation."""

from functools import partial

from keras import layers

from mtl_keras.layers import StackedDense
from mtl_keras.towers._activation import activated
from mtl_keras.towers._inputs import as_vector
from mtl_keras.towers._regularization import dropped, penalty
from mtl_keras.towers._stage import Stage


def dense_stages(widths, activation, dropout=0.0, batch_norm=False, l1=0.0, l2=0.0):
    """Returns the stages `"dense1"`, `"dense2"`, ... of dense layers of these widths."""
    options = {"activation": activation, "dropout": dropout, "batch_norm": batch_norm, "l1": l1, "l2": l2}
    stages = {}
    for i, units in enumerate(widths, start=1):
        one, several = partial(dense, units=units, **options), partial(stacked_dense, units=units, **options)
        stages[f"dense{i}"] = Stage(one, stacked=several)
    return stages


def dense(x, name, units, activation, dropout=0.0, batch_norm=False, l1=0.0, l2=0.0):
    """Returns `[B, units]`: the inputs, flattened, after dense, batch norm, activation and dropout."""
    x = as_vector(x, name)
    x = layers.Dense(units, use_bias=not batch_norm, kernel_regularizer=penalty(l1, l2), name=f"{name}_dense")(x)
    return dropped(activated(x, name, activation, batch_norm), name, dropout)


def stacked_dense(x, name, num, common, units, activation, dropout=0.0, batch_norm=False, l1=0.0, l2=0.0):
    """Returns `[B, num, units]`: the outputs of `num` copies of `dense`, computed as one operation.

    Args:
        x: Anything that `dense` takes, if all copies read it (`common`); else `[B, num, n]`.
    """
    x = as_vector(x, name) if common else x
    x = StackedDense(num, units, use_bias=not batch_norm, kernel_regularizer=penalty(l1, l2), name=f"{name}_dense")(x)
    if batch_norm:  # the axes of the copies and of their units are merged
        x = layers.Reshape((num * units,), name=f"{name}_join")(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        x = layers.Reshape((num, units), name=f"{name}_part")(x)
    return dropped(activated(x, name, activation, batch_norm=False), name, dropout)
