"""Keeps the towers of the tasks close to each other."""

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice, count, number
from mtl_keras._registry import public
from mtl_keras.linalg.tower_distance import l1_distance, squared_l2_distance, trace_norm

_NORMS = {"l2": squared_l2_distance, "l1": l1_distance, "trace": trace_norm}
_SCHEDULES = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
}


@public
class SoftSharing(keras.callbacks.Callback):
    """Adds a penalty on the distance between towers to the objective: strength · Σ_{i<j} ‖θ_i − θ_j‖².

    For a model with one tower per task (`sharing="soft"`), or for any `MultiTaskModel` if you list the layers to
    compare in `groups`. The penalty is part of the training step, and ends with the `fit` that has the callback.

    Logged each epoch, in addition to the loss, which includes the penalty: `soft_sharing_penalty` (the mean of the term
    above), `soft_sharing_strength`, and `tower_distance`, √(Σ_{i<j} ‖θ_i − θ_j‖²) at the end of the epoch, whatever the
    norm.

    Args:
        strength: Weight of the penalty, at least 0. With 0 the tasks train as with `sharing="single_task"`. You can
            change it during training, `callback.strength = 0.1`, at no cost.
        norm: `"l2"` for the squared Euclidean distance. `"l1"` for Σ_{i<j} ‖θ_i − θ_j‖₁, which makes variables
            equal instead of close. `"trace"` for the trace norm of the stacked variables, which makes the towers
            span few dimensions instead of being close.
        schedule: How the strength changes after the warm-up: `"constant"`; or `"linear"` or `"cosine"`, down to 0 at
            the end of training.
        warmup_epochs: Number of epochs in which the strength first rises linearly from 0.
        groups: `{task: list of names}` of layers, or of variables by their `path`, which are compared in order; by
            default the towers from `build_model`.

    Raises:
        ValueError: If the norm or the schedule is unknown, or a number is out of range; when training begins, if the
            model has no towers to compare, a name in `groups` is unknown, or the shapes of variables differ.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing="soft")
    model.compile("adam")
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    callback = mtl.callbacks.SoftSharing(strength=0.1, schedule="cosine")
    history = model.fit(np.ones((10, 8, 8)), y, epochs=2, callbacks=[callback], verbose=0)
    history.history["tower_distance"]  # two numbers, the second the smaller
    ```

    Reference: L. Duong, T. Cohn, S. Bird, P. Cook, "Low Resource Dependency Parsing", ACL 2015 (l2); Y. Yang,
    T. Hospedales, "Trace Norm Regularised Deep Multi-Task Learning", ICLR workshop 2017 (trace, by flattening along
    the task axis).
    """

    def __init__(
        self,
        strength: float,
        norm: str = "l2",
        schedule: str = "constant",
        warmup_epochs: int = 0,
        groups: dict[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        # A variable, so that the step need not be traced again when the strength changes.
        self._factor = keras.Variable(0.0, trainable=False, dtype="float32", name="soft_sharing_strength")
        self._share = 1.0  # share of the strength under the schedule
        self.strength = strength
        self.norm = choice("norm", norm, _NORMS)
        self.schedule = choice("schedule", schedule, _SCHEDULES)
        self.warmup_epochs = count("warmup_epochs", warmup_epochs, at_least=0)
        self.groups = groups

    @property
    def strength(self) -> float:
        """Factor of the penalty before the schedule."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._strength = float(number("strength", value, at_least=0))
        self._factor.assign(self._strength * self._share)

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        if not hasattr(model, "add_penalty"):
            raise ValueError(
                f"`SoftSharing` needs a mtl_keras.MultiTaskModel. Received: {type(model).__name__}. Wrap yours as "
                "`MultiTaskModel(model.inputs, {task: output})`."
            )
        self._towers = _corresponding_variables(model, self.groups)
        model.add_penalty("soft_sharing_penalty", self._penalty)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Warns if plain gradient descent with this strength would move the towers apart instead of together."""
        optimizer = self.model.optimizer
        if self.norm != "l2" or type(optimizer) is not keras.optimizers.SGD:
            return
        rate, towers = float(optimizer.learning_rate), len(self._towers)
        if self._strength * rate * towers >= 1:  # the curvature of the penalty is 2 · strength · towers
            warnings.warn(
                f"`strength` {self._strength:g} makes the towers diverge: with {towers} of them and the learning rate "
                f"{rate:g}, each step overshoots from {1 / (rate * towers):g} on. Lower one of the two.",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch < self.warmup_epochs:
            self._share = epoch / self.warmup_epochs
        else:
            done = (epoch - self.warmup_epochs) / (self.params["epochs"] - self.warmup_epochs)
            self._share = _SCHEDULES[self.schedule](done)
        self.strength = self._strength

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["soft_sharing_strength"] = self._strength * self._share
            logs["tower_distance"] = float(ops.sqrt(squared_l2_distance(self._tensors())))

    def _penalty(self):
        return self._factor * _NORMS[self.norm](self._tensors())

    def _tensors(self):
        return [[ops.cast(variable, "float32") for variable in tower] for tower in self._towers]


def _corresponding_variables(model, groups):
    """Returns one list of trainable variables per tower; variables at the same position correspond."""
    groups = groups or _different_towers(model.tower_layers)
    towers = {task: _trainable_variables(model, names) for task, names in groups.items()}
    if len(towers) < 2:
        raise ValueError(
            f"`SoftSharing` needs the towers of two tasks or more. Received: groups={groups}. Build the model with "
            '`sharing="soft"`, or name the layers of each task in `groups`.'
        )
    for first, task in itertools.combinations(towers, 2):
        shapes = [[tuple(v.shape) for v in towers[name]] for name in (first, task)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"The towers of {first!r} and {task!r} must have variables of the same shapes in the same order. "
                f"Received: {shapes[0]} and {shapes[1]}."
            )
        if {id(v) for v in towers[first]} & {id(v) for v in towers[task]}:
            raise ValueError(
                f"The tasks {first!r} and {task!r} share variables, so there is no distance. Build the model with "
                '`sharing="soft"`, or name the layers of each task in `groups`.'
            )
    return list(towers.values())


def _different_towers(towers):
    """Returns the layers that differ between the towers: tasks of a group, and the first stages, share layers."""
    common = set.intersection(*map(set, towers.values())) if towers else set()
    different = {tuple(names): task for task, names in reversed(towers.items())}
    if len(different) < 2:
        return towers
    return {task: [name for name in names if name not in common] for names, task in reversed(different.items())}


def _trainable_variables(model, names):
    """Returns the trainable variables of the layers with the given names, or with the given paths."""
    by_path = {variable.path: variable for variable in model.trainable_variables}
    layers = {layer.name: layer for layer in model.layers}
    variables = []
    for name in names:
        if name in by_path:
            variables.append(by_path[name])
        elif name in layers:
            variables.extend(layers[name].trainable_variables)
        else:
            raise ValueError(
                f"`groups` names {name!r}, which is neither a layer of the model nor a path of a trainable variable. "
                f"Layers: {sorted(layers)}."
            )
    return variables
