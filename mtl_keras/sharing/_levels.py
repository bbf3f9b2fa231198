"""Shared experts and each task's own, level above level: what CGC and PLE are."""

from collections.abc import Callable
from typing import Any

from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._experts import expert_names, make_experts, mix
from mtl_keras.sharing._gates import gate_input, softmax_gate


def gated_levels(runs: list[dict[str, Callable]], x: Tensors, names: list[str], scheme: Any) -> dict[str, Tensor]:
    """Returns `{name: features}`: at each level the gate of a task weighs the shared experts and its own.

    Below the last level, a gate over all experts makes what the shared experts of the next level read.

    Args:
        runs: List of `{stage name: function(x, name)}`, one a level, of which the experts are copies.
        x: What enters the first level.
        names: Names of the tasks or groups.
        scheme: What has the arguments `num_shared_experts`, `num_task_experts`, `stacked` and those of the gates.
    """
    streams = dict.fromkeys([*names, None], x)  # None: that of the shared experts
    for level, stages in enumerate(runs, start=1):
        end = f"_level{level}" if len(runs) > 1 else ""
        owners = names if level == len(runs) else [*names, None]
        if level == 1:
            reads = dict.fromkeys(owners, gate_input(x, stages, f"shared{end}_gate"))
        else:
            reads = {name: gate_input(streams[name], stages, f"{name or 'shared'}{end}_gate") for name in owners}
        shared = make_experts(stages, streams[None], f"shared{end}", scheme.num_shared_experts, scheme.stacked)
        own = {
            name: make_experts(stages, streams[name], f"{name}{end}", scheme.num_task_experts, scheme.stacked)
            for name in names
        }
        streams = {
            owner: _mixed(reads[owner], shared, own if owner is None else {owner: own[owner]}, owner, end, scheme)
            for owner in owners
        }
    return {name: streams[name] for name in names}


def _mixed(read, shared, own, owner, end, scheme):
    """Returns what the gate of a task, or of the shared experts, makes of shared experts and own ones by task."""
    experts = expert_names("shared", scheme.num_shared_experts)
    experts += [expert for name in own for expert in expert_names(name, scheme.num_task_experts)]
    owner = owner or "shared"
    gate = softmax_gate(
        read,
        f"{owner}{end}_gate",
        len(experts),
        scheme.gate_units,
        scheme.temperature,
        scheme.balance,
        labels=(owner, experts, end),
    )
    return mix(gate, [shared, *own.values()], f"{owner}{end}_mix")
