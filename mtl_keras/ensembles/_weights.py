"""The weights of the members of an ensemble."""

from typing import Any

from mtl_keras._arguments import by_task, choice, error, number


def check_weights(weights: Any, members: list, choices: tuple[str, ...]) -> Any:
    """Returns weights as a list of numbers, or as a dict by task of such lists. None or a string stay unchanged.

    Args:
        weights: The value that was passed.
        members: The members.
        choices: Allowed strings.

    Raises:
        ValueError: If it is none of these.
    """
    if weights is None:
        return None
    if isinstance(weights, str):
        return choice("weights", weights, (None, *choices))
    if isinstance(weights, dict):
        by_task("weights", weights, members[0].task_names)
        return {task: _checked(f"weights[{task!r}]", of_task, members) for task, of_task in weights.items()}
    return _checked("weights", weights, members)


def shares_by_task(weights: Any, members: list) -> dict[str, Any]:
    """Returns `{task: weights}` from the result of `check_weights`."""
    return weights if isinstance(weights, dict) else dict.fromkeys(members[0].task_names, weights)


def _checked(name, weights, members):
    expected = f"{len(members)} numbers of at least 0, one for each model"
    try:
        values = list(weights)
    except TypeError as failure:
        raise ValueError(error(name, expected, weights)) from failure
    if len(values) != len(members):
        raise ValueError(error(name, expected, weights))
    values = [float(number(name, value, at_least=0)) for value in values]
    if not sum(values):
        raise ValueError(error(name, f"{expected}, not all 0", weights))
    return values
