"""Levels of shared experts and experts of each task: the common code of CGC and PLE."""

from collections.abc import Callable
from typing import Any

from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._experts import expert_names, make_experts, mix
from mtl_keras.sharing._gates import gate_input, softmax_gate


def gated_levels(runs: list[dict[str, Callable]], x: Tensors, names: list[str], scheme: Any) -> dict[str, Tensor]:
    """Returns `{name: features}`. At each level, the gate of a task weighs the shared experts and the task's own.

    Below the last level, a gate over all experts computes the input of the shared experts of the next level.

    Args:
        runs: List of `{stage name: function(x, name)}`, one per level. The experts are copies of them.
        x: Input of the first level.
        names: Names of the tasks or groups.
        scheme: Scheme with the arguments `num_shared_experts`, `num_task_experts`, `stacked` and those of the gates.
    """
    streams = dict.fromkeys([*names, None], x)  # None is the key of the shared experts
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
    """Returns the experts, shared ones and own ones by task, mixed by the gate of a task or of the shared experts."""
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
