"""Makes of what `compile` was told about a weighting the plan of the training step."""

import math

import keras

from mtl_keras.engine import Plan, find_features, is_cut
from mtl_keras.models.freezing import SHARED


def make_plan(model, weighting, partition, level, every, apply_to, nonfinite):
    """Returns the `Plan`, with the weighting built; None where the plain sum is trained.

    With one task every weighting is the plain gradient, and so are with a frozen shared part those that read gradients.

    Raises:
        ValueError: If an argument is out of its range, or does not suit the weighting or the model.
    """
    for argument, value, known in (
        ("level", level, ("parameters", "features")),
        ("apply_to", apply_to, (None, "shared", "all")),
        ("nonfinite", nonfinite, ("skip", "raise")),
    ):
        if value not in known:
            raise ValueError(f"`{argument}` must be one of {list(known)}. Received: {argument}={value!r}.")
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"`every` must be an integer of at least 1. Received: every={every!r}.")
    names = model.task_names
    if weighting is None or len(names) == 1:
        return None
    if not hasattr(weighting, "reads"):
        raise ValueError(
            "`weighting` must be a look-up string or a member of mtl_keras.weightings, such as "
            f"`mtl_keras.weightings.PCGrad()`. Received: weighting={weighting!r}."
        )
    if SHARED in model.frozen and weighting.reads != "losses":
        return None  # nothing is left to weigh
    _check_suits(weighting, partition, level, every, apply_to)
    at_features = _at_features(model, partition) if level == "features" else {}
    _build(weighting, names, partition, every)
    variables = [*partition.shared, *(v for own in partition.own.values() for v in own)]
    if weighting.reads == "losses":
        variables += weighting.trainable_variables
    apply_to = apply_to or ("all" if weighting.reads == "losses" else "shared")
    return Plan(weighting, names, level, every, apply_to, nonfinite, variables, **at_features)


def _check_suits(weighting, partition, level, every, apply_to):
    name, reads = type(weighting).__name__, weighting.reads
    if reads == "losses":
        given = {"level": level != "parameters", "every": every > 1, "apply_to": apply_to == "shared"}
    else:
        given = {"every": every > 1 and reads == "rows", "apply_to": apply_to == "all" and reads == "rows"}
        if not partition.shared:
            raise ValueError(
                f"`weighting` {name} reads the gradients of the shared variables, and the tasks share none. "
                "Use `weighting=None`, or another sharing scheme."
            )
    for argument, wrong in given.items():
        if wrong:
            raise ValueError(
                f"`{argument}` does not apply to {name}, which "
                + ("reads losses only." if reads == "losses" else "returns no weights.")
            )
    if reads == "rows" and level == "features":
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
