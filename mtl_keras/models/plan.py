"""Turns the weighting arguments of `compile` into the `Plan` of the training step."""

import math

import keras

from mtl_keras._arguments import choice, error
from mtl_keras.engine import SHARED, Partition, Plan, find_features, is_cut
from mtl_keras.models import freezing
from mtl_keras.weightings import Weighting


def make_plan(model, weighting, partition, level, every, apply_to, nonfinite):
    """Returns the `Plan`, with the weighting built; None where the plain sum is trained.

    With one task every weighting is the plain gradient, and so are with a frozen shared part those that read gradients:
    these rest, built, so that a file holds their state.

    Raises:
        ValueError: If an argument is out of its range, or does not suit the weighting or the model.
    """
    choice("level", level, ("parameters", "features"))
    choice("apply_to", apply_to, (None, "shared", "all"))
    choice("nonfinite", nonfinite, ("skip", "raise"))
    names = model.task_names
    if weighting is None or len(names) == 1:
        return None
    if not isinstance(weighting, Weighting):
        known = "a look-up string or a member of mtl_keras.weightings, such as `mtl_keras.weightings.PCGrad()`"
        raise ValueError(error("weighting", known, weighting))
    rests = SHARED in model.frozen and weighting.reads_gradients  # nothing is left to weigh
    if rests:
        with freezing.lifted(model, model.frozen):
            partition = Partition(model)
    _check_suits(weighting, partition, level, every, apply_to)
    if rests:
        _build(weighting, names, partition, every)
        return None
    at_features = _at_features(model, partition) if level == "features" else {}
    _build(weighting, names, partition, every)
    variables = [*partition.shared, *(v for own in partition.own.values() for v in own)]
    if not weighting.reads_gradients:
        variables += weighting.trainable_variables
    apply_to = apply_to or ("shared" if weighting.reads_gradients else "all")
    return Plan(weighting, names, level, every, apply_to, nonfinite, variables, **at_features)


def _check_suits(weighting, partition, level, every, apply_to):
    name = type(weighting).__name__
    if weighting.reads_gradients:
        given = {"every": every > 1, "apply_to": apply_to == "all"} if not weighting.has_weights else {}
        if not partition.shared:
            raise ValueError(
                f"`weighting` {name} reads the gradients of the shared variables, and the tasks share none. "
                "Use `weighting=None`, or another sharing scheme."
            )
    else:
        given = {"level": level != "parameters", "every": every > 1, "apply_to": apply_to == "shared"}
    for argument, wrong in given.items():
        if wrong:
            raise ValueError(
                f"`{argument}` does not apply to {name}, which "
                + ("returns no weights." if weighting.reads_gradients else "reads losses only.")
            )
    if level == "features" and not weighting.has_weights:
        raise ValueError(f'`level="features"` does not apply to {name}, whose state belongs to the parameters.')


def _at_features(model, partition):
    features = find_features(model)
    outputs = {"y_pred": dict(model.output), "features": features}
    return {"features_model": keras.Model(model.input, outputs), "cut": is_cut(features, model, partition.shared)}


def _build(weighting, names, partition, every):
    if weighting.built:
        if (weighting.task_names, weighting.every) != (tuple(names), every):
            raise ValueError(
                f"`weighting` was built for the tasks {list(weighting.task_names)} and every={weighting.every}, and is "
                f"to serve the tasks {names} and every={every}. Make a new one for each model."
            )
        return
    weighting.every = every
    weighting.task_names = tuple(names)
    weighting.num_parameters = sum(math.prod(v.shape) for v in partition.shared)
    weighting.build(len(names))


def check_optimizer(optimizer):
    """Raises a ValueError for an optimizer that would take the wrong gradients from a weighting."""
    inner = [optimizer, getattr(optimizer, "inner_optimizer", None), *getattr(optimizer, "optimizers", [])]
    if any((getattr(o, "gradient_accumulation_steps", None) or 1) > 1 for o in inner):
        raise ValueError(
            "`gradient_accumulation_steps` accumulates what a weighting made of small batches, which is not what it "
            "makes of the large one. Use larger batches, or `weighting=None`."
        )
