"""Turns the weighting arguments of `compile` into the `Plan` of the training step."""

import math

import keras

from mtl_keras._arguments import choice, count, error
from mtl_keras.engine import SHARED, Partition, Plan, Reach, find_features, is_cut
from mtl_keras.models import freezing
from mtl_keras.weightings import Weighting


def make_plan(model, weighting, partition, loss_weights, level, every, apply_to, nonfinite, chunk_size):
    """Returns the `Plan`, with the weighting built; None if the plain sum is trained.

    With one task, every weighting equals the plain gradient. If the shared part is frozen, so does every weighting that
    reads gradients; it is built but not used, so that a file has its state. A task takes part if its loss weight is not
    0, and it reaches trained variables; under a weighting that reads gradients, shared ones.

    Raises:
        ValueError: If an argument is out of range, or does not suit the weighting or the model.
    """
    choice("level", level, ("parameters", "features"))
    choice("apply_to", apply_to, (None, "shared", "all"))
    choice("nonfinite", nonfinite, ("skip", "raise"))
    if chunk_size is not None:
        count("chunk_size", chunk_size)
    names = model.task_names
    if weighting is None or len(names) == 1:
        return None
    if not isinstance(weighting, Weighting):
        known = "a look-up string or a member of mtl_keras.weightings, such as `mtl_keras.weightings.PCGrad()`"
        raise ValueError(error("weighting", known, weighting))
    rests = weighting.reads_gradients and not partition.shared and Reach(model).variables("weights")[SHARED]
    if rests:  # the shared part is frozen: nothing is left to weigh
        with freezing.lifted(model, model.frozen):
            partition = Partition(model)
    if partition.shared or not rests:
        _check_suits(weighting, partition, level, every, apply_to, chunk_size)
    if rests:
        _build(weighting, names, partition, every)
        return None
    at_features = _at_features(model, partition) if level == "features" else {}
    _build(weighting, names, partition, every)
    variables = [*partition.shared, *(v for own in partition.own.values() for v in own)]
    if not weighting.reads_gradients:
        variables += weighting.trainable_variables
    apply_to = apply_to or (weighting.apply_to if weighting.reads_gradients else "all")
    tasks = _taking_part(weighting, partition, loss_weights)
    return Plan(weighting, tasks, level, every, apply_to, nonfinite, chunk_size, variables, **at_features)


def _taking_part(weighting, partition, loss_weights):
    """Returns `{task: whether it takes part}`."""
    shared = {id(v) for v in partition.shared}
    tasks = {}
    for task, weight in loss_weights.items():
        trained = partition.reached[task]
        if weighting.reads_gradients:
            trained = [v for v in trained if id(v) in shared]
        tasks[task] = weight != 0 and bool(trained)
    for position in weighting.needs:
        task = weighting.task_names[position]
        if not tasks[task]:
            raise ValueError(
                f"`weighting` {type(weighting).__name__} follows the task {task!r}, which takes no part: its loss "
                "weight is 0, or it reaches no shared variables that are trained. Choose another `primary`."
            )
    return tasks


def _check_suits(weighting, partition, level, every, apply_to, chunk_size):
    name = type(weighting).__name__
    if weighting.reads_gradients:
        given = {"every": every > 1 and not weighting.has_weights}
        given["apply_to"] = apply_to == "all" and not weighting.weighs_own
        given["chunk_size"] = chunk_size is not None and not weighting.has_weights
        if not partition.shared:
            raise ValueError(
                f"`weighting` {name} reads the gradients of the shared variables, and the tasks share none. "
                "Use `weighting=None`, or another sharing scheme."
            )
    else:
        given = {"level": level != "parameters", "every": every > 1, "apply_to": apply_to == "shared"}
        given["chunk_size"] = chunk_size is not None
    for argument, wrong in given.items():
        if wrong:
            raise ValueError(
                f"`{argument}` does not apply to {name}, which "
                + ("returns no weights." if weighting.reads_gradients else "reads losses only.")
            )
    if level == "features" and not weighting.has_weights:
        raise ValueError(f'`level="features"` does not apply to {name}, whose state belongs to the parameters.')
    if level == "features" and chunk_size is not None:
        raise ValueError(
            '`chunk_size` does not apply to `level="features"`, which keeps no gradients of the shared variables.'
        )


def _at_features(model, partition):
    features = find_features(model)
    outputs = {"y_pred": dict(model.output), "features": features}
    return {"features_model": keras.Model(model.input, outputs), "cut": is_cut(features, model, partition.shared)}


def _build(weighting, names, partition, every):
    if weighting.built:
        if (weighting.task_names, weighting.every) != (tuple(names), every):
            raise ValueError(
                f"`weighting` was built for the tasks {list(weighting.task_names)} and every={weighting.every}. "
                f"Received: the tasks {names} and every={every}. Make a new one for each model."
            )
        size, built_for = _size(partition), getattr(weighting, "num_parameters", None)
        if built_for not in (None, size) and any(built_for in v.shape for v in weighting.variables):
            raise ValueError(
                f"`weighting` keeps a state of {built_for} shared parameters, and the model now trains {size}. Compile "
                "the model again with a new weighting after you freeze or unfreeze layers."
            )
        return
    weighting.every = every
    weighting.task_names = tuple(names)
    weighting.num_parameters = _size(partition)
    weighting.build(len(names))


def _size(partition):
    """Returns the number of shared parameters."""
    return sum(math.prod(v.shape) for v in partition.shared)


def check_optimizer(optimizer):
    """Raises a ValueError for an optimizer that gets wrong gradients from a weighting."""
    if _accumulates(optimizer):
        raise ValueError(
            "`gradient_accumulation_steps` adds up the weighted gradients of small batches, which differ from the "
            "weighted gradient of one large batch. Use larger batches, or `weighting=None`."
        )


def labels_since_update(optimizer, num_tasks):
    """Returns a variable for which tasks had labels since the last update, [T]; None for one batch per update.

    At the start all tasks count as tasks with labels, because they may have had some before the model was loaded.
    """
    if not _accumulates(optimizer):
        return None
    options = {"trainable": False, "dtype": "float32", "aggregation": "only_first_replica"}
    return keras.Variable([1.0] * num_tasks, name="labels_since_update", **options)


def _accumulates(optimizer):
    inner = [optimizer, getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", [])]
    return any((getattr(o, "gradient_accumulation_steps", None) or 1) > 1 for o in inner)
