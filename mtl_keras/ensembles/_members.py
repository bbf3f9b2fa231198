"""The members of an ensemble, and checks of what they must have in common."""

from collections.abc import Iterable
from typing import Any

import keras

from mtl_keras._arguments import error
from mtl_keras.models import MultiTaskModel
from mtl_keras.task import Task

_OWN = ("hidden", "activation", "link", "crossing", "size", "factor")  # of a head, not visible in its output


def check_members(models: Any, argument: str = "models") -> list[MultiTaskModel]:
    """Returns a list of models that predict the same tasks from the same inputs.

    Raises:
        ValueError: If there are no models, or they differ in inputs, tasks or heads; it names the difference.
    """
    several = isinstance(models, Iterable) and not isinstance(models, str | dict | keras.Model)
    members = list(models) if several else []
    if not members:
        raise ValueError(error(argument, "a list of at least one `MultiTaskModel`", models))
    for i, model in enumerate(members):
        check_member(model, f"{argument}[{i}]")
        check_inputs(members[0], model, f"{argument}[0]", f"{argument}[{i}]")
        _check_tasks(members[0], model, f"{argument}[0]", f"{argument}[{i}]")
    return members


def check_member(model: Any, name: str) -> None:
    """Raises a ValueError unless a value is a `MultiTaskModel` with tasks."""
    if not isinstance(model, MultiTaskModel) or not model.tasks:
        raise ValueError(
            error(name, "a `MultiTaskModel` with tasks", model, "Build it by `mtl_keras.build_model`, or pass `tasks`.")
        )


def check_inputs(first: MultiTaskModel, model: MultiTaskModel, first_name: str, name: str) -> None:
    """Raises a ValueError unless two models have inputs with the same names and shapes, in the same order."""
    expected, received = ([x.name for x in m.inputs] for m in (first, model))
    if expected != received:
        raise ValueError(
            f"`{name}` must have the inputs of `{first_name}`, in this order: {expected}. Received: {received}. Build "
            "all members with the same inputs."
        )
    for a, b in zip(first.inputs, model.inputs, strict=True):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            raise ValueError(
                f"`{name}` must have the inputs of `{first_name}`. Received: the input {b.name!r} of shape "
                f"{tuple(b.shape)} and type {b.dtype}, instead of {tuple(a.shape)} and {a.dtype}."
            )


def _check_tasks(first, model, first_name, name):
    if first.task_names != model.task_names:
        raise ValueError(
            f"`{name}` must have the tasks of `{first_name}`, in this order: {first.task_names}. Received: "
            f"{model.task_names}. Build all members with the same list of tasks."
        )
    for a, b in zip(tasks_of(first), tasks_of(model), strict=True):
        task = a.name
        kinds = [(type(t.head), _told(t.head)) for t in (a, b)]
        shapes = [tuple(m.output[task].shape) for m in (first, model)]
        if kinds[0] != kinds[1] or shapes[0] != shapes[1]:
            raise ValueError(
                f"`{name}` must predict the task {task!r} as `{first_name}` does, by {_said(a.head)} of shape "
                f"{shapes[0]}. Received: {_said(b.head)} of shape {shapes[1]}."
            )
        if a.head.output_kind is None:
            raise ValueError(
                f"The head {type(a.head).__name__} of task {task!r} does not say how outputs are pooled. Set its class "
                'attribute `output_kind`, such as to "classes", "events" or "numbers".'
            )


def tasks_of(model: MultiTaskModel) -> list[Task]:
    """Returns the tasks of a model in the order of its outputs."""
    return [task_of(model, name) for name in model.task_names]


def task_of(model: MultiTaskModel, name: str) -> Task:
    """Returns a task of a model by its name."""
    return {task.name: task for task in model.tasks}[name]


def _told(head):
    return {key: value for key, value in head.get_config().items() if key not in _OWN}


def _said(head):
    arguments = ", ".join(f"{key}={value!r}" for key, value in _told(head).items())
    return f"{type(head).__name__}({arguments})"
