"""The shapes of sample weights."""

from keras import ops

from mtl_keras._types import Tensor


def as_rank(weight: Tensor, rank: int) -> Tensor:
    """Returns weights with the requested number of axes: axes of size 1 at the end are added or removed.

    For the axes `[B, L]`, weights `[B]` become `[B, 1]`; `[B, 1]` and `[B, L]` stay unchanged. Weights keep further
    axes of another size.
    """
    while len(weight.shape) > rank and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    missing = rank - len(weight.shape)
    return ops.reshape(weight, (*ops.shape(weight), *(1,) * missing)) if missing > 0 else weight


def times(weight: Tensor | None, other: Tensor | None) -> Tensor | None:
    """Returns the product of two weights of the same labels, in the shape of the one with more axes; None means 1."""
    if weight is None or other is None:
        return other if weight is None else weight
    rank = max(len(weight.shape), len(other.shape))
    return as_rank(weight, rank) * ops.cast(as_rank(other, rank), weight.dtype)


def there(weight: Tensor | None) -> Tensor | None:
    """Returns 1 for each weight that is not 0, and 0 for the others; None for None."""
    return None if weight is None else ops.cast(ops.not_equal(weight, 0), "float32")
