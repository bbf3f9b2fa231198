"""Copies of the stages of a tower, side by side, and what mixes them."""

from mtl_keras.layers import MixExperts, StackExperts
from mtl_keras.sharing._base import apply_stages


def check_count(name, value):
    """Raises ValueError unless `value` is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}. Use 1 or more.")


def make_experts(stages, x, prefix, num_experts, stacked=True):
    """Returns the outputs of `num_experts` copies of stages on the same input. `[B, num_experts, ...]`

    They are one batched operation a stage if all stages offer that, and otherwise made one by one.

    Args:
        stages: `{stage name: function(x, name)}`.
        x: What enters the first stage.
        prefix: Beginning of the names of the layers.
        num_experts: Number of copies.
        stacked: False: one by one in any case.
    """
    offers = [getattr(stage, "stacked", None) for stage in stages.values()]  # a plain function offers none
    if stacked and num_experts > 1 and None not in offers:
        for i, (stage, apply) in enumerate(zip(stages, offers, strict=True)):
            x = apply(x, f"{prefix}_experts_{stage}", num_experts, common=i == 0)
        return x
    experts = [apply_stages(stages, x, f"{prefix}_expert{i}") for i in range(1, num_experts + 1)]
    return StackExperts(name=f"{prefix}_experts")(experts)


def mix(gate, stacks, name):
    """Returns `[B, ...]`: the experts of one or more stacks, summed with the weights of a gate."""
    return MixExperts(name=name)([gate, *stacks])


def expert_names(prefix, num_experts):
    """Returns what a picture calls the experts."""
    return [f"{prefix}{i}" for i in range(1, num_experts + 1)]
