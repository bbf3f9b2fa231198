"""Checks of the arguments that several towers share."""

import math

import keras


def check_widths(name, value):
    """Raises ValueError unless `value` is a non-empty tuple or list of positive integers."""
    if not isinstance(value, tuple | list) or not value or not all(_is_count(width) for width in value):
        raise ValueError(
            f"`{name}` must be a tuple of positive integers, one a stage. Received: {name}={value!r}. "
            f"Write, for example, `{name}=(64, 32)`, or `{name}=(64,)` for a single stage."
        )


def check_count(name, value):
    """Raises ValueError unless `value` is a positive integer."""
    if not _is_count(value):
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}. Use 1 or more.")


def check_rate(name, value):
    """Raises ValueError unless `value` is in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(
            f"`{name}` must be a number in [0, 1), the share of the values that is dropped. "
            f"Received: {name}={value!r}. Use 0.0 for none."
        )


def check_penalties(l1, l2):
    """Raises ValueError unless both factors are finite numbers of at least 0."""
    for name, value in (("l1", l1), ("l2", l2)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ValueError(
                f"`{name}` must be a number of at least 0, the factor of a penalty. Received: {name}={value!r}. "
                "Use 0.0 for none."
            )


def check_decay(value):
    """Raises ValueError unless a weight decay is at least 0."""
    if not value >= 0:
        raise ValueError(
            "`weight_decay` must not be negative. "
            f"Received: weight_decay={value!r}. Use 0.0 for none, or 1e-4 as in the paper."
        )


def check_choice(name, value, choices):
    """Raises ValueError unless `value` is one of several."""
    if value not in tuple(choices):
        known = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {known}. Received: {name}={value!r}.")


def check_flag(name, value):
    """Raises ValueError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}.")


def check_activation(value):
    """Raises ValueError unless `value` is a function, or the name of one of Keras' activations."""
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


def check_pooling(value):
    """Raises ValueError unless `value` is "max" or "average"."""
    if value not in ("max", "average"):
        raise ValueError(f"`pooling` must be 'max' or 'average'. Received: pooling={value!r}. Use 'max' if in doubt.")


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
