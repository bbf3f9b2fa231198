"""Parallel towers: they exchange features after each stage, and can start from the weights of other models."""

from collections.abc import Callable
from typing import Any

from mtl_keras._types import Tensor, Tensors
from mtl_keras.engine import layers_between


def mixed_towers(
    x: Tensors,
    stages: dict[str, Callable],
    names: list[str],
    mix: Callable[[list[Tensor], int, str], Tensor],
    transfer_from: Any = None,
) -> dict[str, Tensor]:
    """Returns `{name: features}` of one tower per name. The outputs of each stage are mixed before the next stage.

    Args:
        x: Input of the towers.
        stages: `{stage name: function(x, name)}`.
        names: Names of the tasks or groups.
        mix: Function `mix(streams, index, name)`. It returns the input of the next stage of the task `index`, from the
            list of all tasks' outputs of a stage; `name` is for the layers. Not called if there is one task.
        transfer_from: As in `start_tower`.
    """
    streams = [x] * len(names)
    pairs: list[list[tuple[Tensors, Tensor]]] = [[] for _ in names]
    for stage, apply in stages.items():
        outputs = [apply(stream, f"{name}_{stage}") for name, stream in zip(names, streams, strict=True)]
        for pair, ends in zip(pairs, zip(streams, outputs, strict=True), strict=True):
            pair.append(ends)
        streams = outputs
        if len(names) > 1:
            streams = [mix(outputs, i, f"{name}_{stage}") for i, name in enumerate(names)]
    for name, own in zip(names, pairs, strict=True):
        start_tower(own, name, transfer_from)
    return dict(zip(names, streams, strict=True))


def start_tower(ends: list[tuple[Tensors, Tensor]], task: str, transfer_from: Any) -> None:
    """Sets the weights of a task's tower to those of its tower in another model.

    Args:
        ends: List of pairs of tensors; the layers of the tower lie between them.
        task: Name of the task.
        transfer_from: A `MultiTaskModel` with a tower for each task, or `{task: model}`; None for fresh towers.
    """
    if transfer_from is None:
        return
    layers = [layer for start, end in ends for layer in layers_between(start, end)]
    source = _source(task, transfer_from)
    _copy([source.get_layer(name) for name in source.tower_layers[task]], layers, task)


def start_heads(features: dict[str, Tensor], outputs: dict[str, Tensor], transfer_from: Any) -> None:
    """Sets the weights of the heads to those of the same tasks' heads in another model; all arguments are by task."""
    if transfer_from is None:
        return
    for task, output in outputs.items():
        source, layers = _source(task, transfer_from), layers_between(features[task], output)
        _copy([layer for layer in source.layers if layer.name in [own.name for own in layers]], layers, task)


def _source(task, transfer_from):
    source = transfer_from.get(task) if isinstance(transfer_from, dict) else transfer_from
    if task not in getattr(source, "tower_layers", {}):
        raise ValueError(
            f"`transfer_from` must be a MultiTaskModel with the task {task!r}, or have one under this name. "
            f'Received: {transfer_from!r}. Build one with `sharing="single_task"`.'
        )
    return source


def _copy(sources, layers, task):
    sources, layers = ([layer for layer in side if layer.weights] for side in (sources, layers))
    theirs, ours = ([w.shape for layer in side for w in layer.weights] for side in (sources, layers))
    if theirs != ours or len(sources) != len(layers):
        raise ValueError(
            f"`transfer_from` must have the same tower and head for the task {task!r}. "
            f"Expected weights of the shapes {ours}. Received: {theirs}."
        )
    for source, layer in zip(sources, layers, strict=True):
        layer.set_weights(source.get_weights())
