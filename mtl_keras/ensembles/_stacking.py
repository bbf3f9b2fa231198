"""The inputs of the heads of a stack: the members' predictions for all tasks."""

from typing import Any

import keras

from mtl_keras._types import Tensor
from mtl_keras.ensembles._assemble import joined
from mtl_keras.ensembles._graph import JointGraph
from mtl_keras.ensembles._members import tasks_of
from mtl_keras.layers import BesidePositions, PoolPredictions
from mtl_keras.models import MultiTaskModel

_MEAN = {3: keras.layers.GlobalAveragePooling1D, 4: keras.layers.GlobalAveragePooling2D}


def features(members: list[MultiTaskModel]) -> tuple[JointGraph, dict[str, Tensor]]:
    """Returns the graph of all members, and `{task: features}` of the heads.

    A task with one answer per row reads all predictions, [B, F]; predictions for positions are averaged. A task with
    one answer per position reads the predictions for these positions, and all other predictions at each position.
    """
    graph, of_members = joined(members)
    answers = [_answer(task, of_member[task.name]) for of_member in of_members for task in tasks_of(members[0])]
    return graph, {task.name: _features(task.name, members[0], answers) for task in tasks_of(members[0])}


def _answer(task, output):
    """Returns an output as numbers for each row or position; for a chain of tags, their probabilities."""
    if task.head.output_kind != "chain":
        return output
    return PoolPredictions("chain", dtype="float32")([output])


def _features(name: str, first: Any, answers: list[Tensor]) -> Tensor:
    places = _places(first.output[name], {task.name: task for task in first.tasks}[name].head)
    here = [answer for answer in answers if tuple(answer.shape[1:-1]) == places]
    others = [answer for answer in answers if tuple(answer.shape[1:-1]) != places]
    vectors = [answer if len(answer.shape) == 2 else _MEAN[len(answer.shape)]()(answer) for answer in others]
    if not places:
        return _concatenated([*here, *vectors])
    here = [_concatenated(here)]
    return BesidePositions(dtype="float32")([*here, _concatenated(vectors)]) if vectors else here[0]


def _places(output, head):
    """Returns the sizes of the axes of positions of an output; () without positions."""
    if head.output_kind != "chain":
        return tuple(output.shape[1:-1])
    return (None if output.shape[1] is None else output.shape[1] - output.shape[2],)


def _concatenated(tensors):
    return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate(dtype="float32")(tensors)
