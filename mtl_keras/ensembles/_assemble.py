"""Builds an ensemble as a compiled `MultiTaskModel`."""

import copy
from typing import Any

import keras

from mtl_keras._types import Tensor
from mtl_keras.ensembles._graph import JointGraph
from mtl_keras.ensembles._members import task_of, tasks_of
from mtl_keras.heads import Head
from mtl_keras.layers import PoolPredictions
from mtl_keras.models import MultiTaskModel
from mtl_keras.task import Task


def joined(members: list[MultiTaskModel]) -> tuple[JointGraph, list[dict[str, Tensor]]]:
    """Returns the graph of all members, and the outputs of each, `{task: Keras tensor}`."""
    graph = JointGraph(members[0])
    return graph, [graph.add(model, model.output, f"member{i}") for i, model in enumerate(members, start=1)]


def pooled(members: list[MultiTaskModel], way: str, weights: dict[str, Any], tie: float = 0.5) -> MultiTaskModel:
    """Returns the ensemble whose outputs are those of the members, pooled task by task.

    Args:
        members: Checked models.
        way: As in `layers.PoolPredictions`.
        weights: `{task: weights of the members}`; None, or no entry, for equal weights.
        tie: As in `layers.PoolPredictions`.
    """
    graph, of_members = joined(members)
    outputs, tasks = {}, []
    for task in tasks_of(members[0]):
        pool = PoolPredictions(task.head.output_kind, way, weights.get(task.name), tie, dtype="float32", name=task.name)
        outputs[task.name] = pool([of_member[task.name] for of_member in of_members])
        tasks.append(task if way == "geometric" else with_head(task, task.head.pooled()))
    return assembled(graph.inputs, outputs, tasks, dict.fromkeys(outputs, members[0]))


def assembled(
    inputs: Any, outputs: dict[str, Tensor], tasks: list[Task], sources: dict[str, MultiTaskModel]
) -> MultiTaskModel:
    """Returns a model over a graph, compiled.

    Args:
        inputs: Keras inputs.
        outputs: `{task: output}`.
        tasks: The `Task`s of the outputs.
        sources: `{task: model}`: the model whose `compile` arguments give the loss and the metrics of the task.
    """
    tasks = [with_head(task, task.head) for task in tasks]
    model = MultiTaskModel(inputs, outputs, tasks=tasks)
    given: dict[str, dict[str, Any]] = {"loss": {}, "loss_weights": {}, "metrics": {}, "weighted_metrics": {}}
    for task in tasks:
        source = sources[task.name]
        same_head = task.head.get_config() == task_of(source, task.name).head.get_config()
        for argument, by_task in given.items():
            value = source.compile_arguments.get(argument)
            value = value.get(task.name) if isinstance(value, dict) else value
            if value is not None and (same_head or argument != "loss"):
                by_task[task.name] = _fresh(value)
    model.compile(**{argument: by_task or None for argument, by_task in given.items()})
    model.build_optimizer()  # a file of a compiled model contains it
    return model


def with_head(task: Task, head: Head) -> Task:
    """Returns a copy of a task with another head, whose metrics share no state with the original."""
    new = copy.copy(task)
    new.metrics = _fresh(task.metrics)
    if head.get_config() != task.head.get_config():
        new.head, new.loss = head, None
    return new


def _fresh(metrics):
    """Returns metrics as new objects, in the same structure."""

    def new(metric):
        is_metric = isinstance(metric, keras.metrics.Metric)
        return type(metric).from_config(metric.get_config()) if is_metric else metric

    return keras.tree.map_structure(new, metrics)
