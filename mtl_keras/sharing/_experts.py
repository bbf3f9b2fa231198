"""Makes copies of the stages of a tower, and mixes their outputs."""

from collections.abc import Callable
from typing import Any

from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import MixExperts, StackExperts
from mtl_keras.sharing._base import apply_stages


def make_experts(
    stages: dict[str, Callable], x: Tensors, prefix: str, num_experts: int, stacked: bool = True
) -> Tensor:
    """Returns the outputs of `num_experts` copies of stages on the same input. `[B, num_experts, ...]`

    Each stage is one batched operation if all stages support it; otherwise the copies are made one by one.

    Args:
        stages: `{stage name: function(x, name)}`.
        x: Input of the first stage.
        prefix: Beginning of the names of the layers.
        num_experts: Number of copies.
        stacked: False: always one by one.
    """
    offers: list[Any] = [getattr(stage, "stacked", None) for stage in stages.values()]  # a plain function has none
    if stacked and num_experts > 1 and None not in offers:
        for i, (stage, apply) in enumerate(zip(stages, offers, strict=True)):
            x = apply(x, f"{prefix}_experts_{stage}", num_experts, common=i == 0)
        return x
    experts = [apply_stages(stages, x, f"{prefix}_expert{i}") for i in range(1, num_experts + 1)]
    return StackExperts(name=f"{prefix}_experts")(experts)


def mix(gate: Tensor, stacks: list[Tensor], name: str) -> Tensor:
    """Returns `[B, ...]`: the experts of one or more stacks, summed with the weights of a gate."""
    return MixExperts(name=name)([gate, *stacks])


def expert_names(prefix: str, num_experts: int) -> list[str]:
    """Returns the names of the experts in pictures."""
    return [f"{prefix}{i}" for i in range(1, num_experts + 1)]
