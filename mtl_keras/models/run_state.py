"""The state of a `fit`: all that another process needs to continue it."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import keras


@dataclasses.dataclass
class RunState:
    """The state of a `fit` between two steps.

    Args:
        epoch: The epoch, as `fit` counts.
        step: How many steps of the epoch are done.
        epochs_before: Epochs of this model before this `fit`, if it counts from 0 again.
        num_epochs: The `num_epochs` of the model.
        num_steps: The `progress.num_steps` of the model.
        num_replicas: Number of replicas of all workers.
        variables: The values of the variables of the model, its weighting and its optimizer: arrays, or tuples with
            the arrays of all replicas if they may differ.
        run_variables: The values of the variables that each `fit` resets, such as metrics.
        callbacks: `[(name of the class, state)]` of the callbacks.
    """

    epoch: int
    step: int
    epochs_before: int
    num_epochs: int
    num_steps: int
    num_replicas: int
    variables: list[Any]
    run_variables: list[Any]
    callbacks: list[tuple[str, Any]]


class Keeper(keras.callbacks.Callback, abc.ABC):
    """A callback that keeps the state of a run, so that `fit` can resume it. Abstract."""

    @abc.abstractmethod
    def load(self, model: Any, starts_within: bool) -> RunState | None:
        """Returns the state to resume from, or None for a new run; called when `fit` begins.

        Args:
            model: The model.
            starts_within: Whether the data of the run can start within an epoch.
        """

    @abc.abstractmethod
    def at_rest(self, step: int, state: Callable[[], RunState]) -> None:
        """Called between two steps, when all callbacks have seen the last step, and between two epochs.

        Args:
            step: How many steps of the epoch are done; 0 between two epochs.
            state: Function without arguments that returns the state, with copies of the values.
        """


def variables_of(model: Any) -> list[keras.Variable]:
    """Returns the variables of a model, its weighting and its optimizer."""
    weighting = model.weighting.variables if model.weighting else []
    return _distinct([*model.variables, *weighting, *model.optimizer.variables])


def run_variables_of(model: Any) -> list[keras.Variable]:
    """Returns the variables that each `fit` resets, such as those of metrics."""
    known = {id(v) for v in variables_of(model)}
    since = [] if model.labels_since_update is None else [model.labels_since_update]
    logged = [model.plan.logged_weights] if model.plan else []
    return [v for v in _distinct([*model.metrics_variables, *since, *logged]) if id(v) not in known]


def values_of(model: Any, variables: list[keras.Variable]) -> list[Any]:
    """Returns copies of the values of variables: arrays, or tuples with the arrays of all replicas."""
    same = {id(v) for v in [*model.trainable_variables, *model.optimizer.variables]}
    return model.workers.values(variables, same)


def assign(model: Any, variables: list[keras.Variable], values: list[Any], what: str) -> None:
    """Sets variables of a model, or raises a ValueError if the values do not fit them."""
    ours = [(tuple(v.shape), v.dtype) for v in variables]
    firsts = [value[0] if isinstance(value, tuple) else value for value in values]
    theirs = [(value.shape, value.dtype.name) for value in firsts]
    if ours != theirs:
        found = next((pair for pair in zip(theirs, ours, strict=False) if pair[0] != pair[1]), (len(theirs), len(ours)))
        raise ValueError(
            f"The backup is of another model: its {what} differ from this one's, {found[0]} where this one has "
            f"{found[1]}. Use another folder, or build and compile the model as in the run that made the backup."
        )
    for variable, value in zip(variables, values, strict=True):
        model.workers.assign(variable, value)


def _distinct(variables):
    return list({id(v): v for v in variables}.values())
