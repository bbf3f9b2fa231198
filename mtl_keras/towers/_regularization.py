"""Dropout and penalties on kernels: checks the arguments, and adds them to the graph."""

from typing import Any

import keras
from keras import layers

from mtl_keras._arguments import number, settle


def settle_regularization(tower: Any) -> None:
    """Stores the checked `dropout`, `l1` and `l2` of a tower, or raises a ValueError."""
    none = "Use 0.0 for none."
    settle(
        tower,
        dropout=number("dropout", tower.dropout, at_least=0, below=1, hint=none),
        l1=number("l1", tower.l1, at_least=0, hint=none),
        l2=number("l2", tower.l2, at_least=0, hint=none),
    )


def check_weight_decay(value: Any) -> float:
    """Returns the weight decay of a residual network, or raises a ValueError unless it is at least 0."""
    return number("weight_decay", value, at_least=0, hint="Use 0.0 for none, or 1e-4 as in the paper.")


def penalty(l1, l2):
    """Returns the regularizer l1·Σ|w| + l2·Σw², or None if both factors are 0."""
    return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def dropped(x, name, dropout):
    """Returns `x` after dropout, if the rate is not 0."""
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
