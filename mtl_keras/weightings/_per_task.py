"""Arguments with one number per task, such as a preference among the tasks."""

from collections.abc import Iterable

from keras import ops

from mtl_keras._arguments import error, number


def check_one_per_task(name, values, num_tasks):
    """Raises a ValueError if `values`, the argument `name`, is given and does not have one entry per task."""
    if values is not None and len(values) != num_tasks:
        expected = f"a list with one number per task ({num_tasks})"
        raise ValueError(error(name, expected, values, f"Use {name}=None for the default."))


def numbers_per_task(name, values):
    """Returns the numbers of an argument as a tuple of floats, or None; raises a ValueError for anything else."""
    if values is None:
        return None
    hint = f"Use {name}=None for the default."
    if not isinstance(values, Iterable) or isinstance(values, str | dict):
        raise ValueError(error(name, "a list with one number per task", values, hint))
    return tuple(float(number(f"{name}[{i}]", value, hint=hint)) for i, value in enumerate(values))


def checked_preference(preference):
    """Returns a preference as a list of floats, or None; raises a ValueError if it cannot be normalised."""
    preference = numbers_per_task("preference", preference)
    if preference is None:
        return None
    if not preference or min(preference) < 0 or not 0 < sum(preference) < float("inf"):
        expected = "a list of non-negative numbers, one per task and not all zero"
        raise ValueError(error("preference", expected, preference, "Use preference=None for equal ones."))
    return list(preference)


def preference_of(preference, present):
    """Returns the preference, equal by default, normalised to sum 1 over the present tasks. [T]"""
    shares = present if preference is None else present * ops.convert_to_tensor(preference, present.dtype)
    total = ops.sum(shares)
    count = ops.maximum(ops.sum(present), 1.0)
    return ops.where(total > 0, shares / ops.where(total > 0, total, 1.0), present / count)
