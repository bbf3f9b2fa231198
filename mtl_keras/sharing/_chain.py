"""Tasks in a chain: their order, and the probabilities along it."""

from typing import Any

from mtl_keras._types import Tensor
from mtl_keras.layers import LogitProduct


def check_binary(tasks: list[Any], reason: str) -> None:
    """Raises ValueError unless each task predicts one probability."""
    other = [task.name for task in tasks if not task.head.is_binary]
    if other:
        raise ValueError(
            f"{reason} needs tasks that are yes or no, with `mtl_keras.heads.Binary`. "
            f"The tasks {other} have other heads."
        )


def product(before: Tensor | None, logits: Tensor, name: str) -> Tensor:
    """Returns the logits of the probability of a task and of all before it; `before` is None for the first one."""
    if before is None:
        return logits
    return LogitProduct(dtype="float32", name=f"{name}_product")([before, logits])
