"""Cascades: each task reads the results of the tasks before it."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from mtl_keras._arguments import choice, flag, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import MatchPositions
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._chain import check_binary, product


@public
@dataclasses.dataclass(frozen=True)
class Cascade(Sharing):
    """One tower for a chain of tasks; the head of each task also reads the results of the tasks before it.

    y_t = h_t([f(x); y_1; ...; y_{t−1}]), a chain of tasks. With `context="previous"`, y_t = h_t([f(x); y_{t−1}]), a
    Markov chain. With `pass_on="features"`, a task passes on the output of its head's hidden layers instead of its
    prediction y. A single answer is repeated at every position of a sequence. Answers per token are averaged over the
    tokens, without padding, for a task with a single answer.

    Args:
        order: Names of all tasks in order; None for the order in which they are given.
        pass_on: `"prediction"`, or `"features"`: the features of a task after its head's hidden layers.
        context: `"all"` tasks before, or only the `"previous"` one.
        stop_gradient: Whether to stop gradients through what is passed on, so that a task does not train the tasks
            before it.
        conditional: Whether the head of a task gives the probability given that all events before happened, and its
            output is the product of these along the order, as in `ESMM`. For binary tasks.
        split_after: Last stage that all tasks share, by name or number; None for all.
        groups: Lists of names of tasks; the tasks of a list share a tower.

    Raises:
        ValueError: If `pass_on` or `context` is unknown; when the model is built, if `order` does not have each task
            once, a task is not binary and `conditional` needs it, or the features to pass on are those that the next
            task has anyway.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.Cascade(stop_gradient=True))
    model.get_layer("odd_linear").kernel.shape  # (74, 1): 64 features, 10 probabilities
    ```

    Reference: J. Read, B. Pfahringer, G. Holmes, E. Frank, "Classifier Chains for Multi-label Classification", Machine
    Learning 85, 2011. Departures: tasks of any kind; a task reads predictions, not labels, also in training; one
    order.
    """

    order: Sequence[str] | None = None
    pass_on: str = "prediction"
    context: str = "all"
    stop_gradient: bool = False
    conditional: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            pass_on=choice("pass_on", self.pass_on, ("prediction", "features")),
            context=choice("context", self.context, ("all", "previous")),
            stop_gradient=flag("stop_gradient", self.stop_gradient),
            conditional=flag("conditional", self.conditional),
        )

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return self._one_tower(x, stages, names)

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        names, tasks = [task.name for task in tasks], self._ordered(tasks)
        if self.conditional:
            check_binary(tasks, "`conditional`")
        outputs: dict[str, Tensor] = {}
        found: list[Tensor] = []
        chain = None
        for task in tasks:
            head, name = task.head, task.name
            context = found if self.context == "all" else found[-1:]
            x = head.pool(features[name], name)
            if context:
                matched = [_at_positions_of(x, y, head, f"{name}_context{i}") for i, y in enumerate(context, start=1)]
                x = keras.layers.Concatenate(name=f"{name}_context")([x, *matched])
            x = head.represent(x, name)
            logits = head.logits(x, name)
            if self.conditional:
                chain = logits = product(chain, logits, name)
            outputs[name] = head.activate(logits, name)
            # Not the output itself: the next task would make it a shared part of the graph.
            handed = x if self.pass_on == "features" else head.hand_on(logits, f"{name}_prediction")
            found.append(self._handed(handed))
            chain = self._handed(chain)
        self._check_new(tasks, features)
        return {name: outputs[name] for name in names}

    def _handed(self, x):
        return keras.ops.stop_gradient(x) if self.stop_gradient and x is not None else x

    def _ordered(self, tasks):
        """Returns the tasks in order."""
        by_name = {task.name: task for task in tasks}
        order = list(by_name) if self.order is None else list(self.order)
        if sorted(order) != sorted(by_name):
            raise ValueError(f"`order` must hold each of the tasks {list(by_name)} once. Received: order={self.order}.")
        return [by_name[name] for name in order]

    def _check_new(self, tasks, features):
        """Raises ValueError if features are passed on to tasks that already have them."""
        for task, following in itertools.pairwise(tasks):
            pooled = task.head.keeps_positions == following.head.keeps_positions
            same = features[task.name] is features[following.name] and pooled and not task.head.hidden
            if self.pass_on == "features" and same:
                raise ValueError(
                    f"`pass_on='features'` needs features of the task {task.name!r} that {following.name!r} lacks. "
                    "Received: one tower for both, and a head without hidden layers. "
                    "Give the head `hidden=(16,)`, set `split_after`, or use `pass_on='prediction'`."
                )


def _at_positions_of(x, handed, head, name):
    """Brings passed-on features to the positions of x: averaged if x has none, repeated if only x has positions."""
    if len(x.shape) == 2:
        return head.pool(handed, name)
    if len(handed.shape) == len(x.shape) and handed.shape[1:-1] == x.shape[1:-1]:
        return handed
    return MatchPositions(name=name)([handed, x])
