"""Base class of sharing schemes: how the features of the tasks come from one tower."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from mtl_keras._arguments import count, settle
from mtl_keras._types import Tensor, Tensors


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharing:
    """Applies a tower to the inputs, once or more, and says which features each task gets.

    Abstract. A scheme is a recipe: it is called once, while the model is built, and leaves Keras layers. A subclass
    implements `share`.

    Args:
        split_after: Name of a stage of the tower, or a number of stages. Up to that stage, one copy serves all tasks;
            the scheme shares what comes after it. None: the scheme shares the whole tower.
        groups: Lists of task names, with each task in one list. The scheme treats a group as one task, and its tasks
            have the same features. None: each task is a group.

    Raises:
        ValueError: If `split_after` is neither a name nor a positive integer; when called, if it is not a stage or no
            stage is left after it, or `groups` does not have each task once.
    """

    split_after: str | int | None = None
    groups: Sequence[Sequence[str]] | None = None

    shares_front = True  # whether all tasks share the first stages that turn ids or strings into numbers

    def __post_init__(self) -> None:
        if self.split_after is not None and not isinstance(self.split_after, str):
            hint = "It is the number of stages that all tasks share, or the name of the last of them."
            settle(self, split_after=count("split_after", self.split_after, hint=hint))

    def __call__(self, inputs: Tensors, tower: Any, tasks: list[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Applies the scheme and the heads.

        Args:
            inputs: Keras tensor, or a dict of them by name.
            tower: A `mtl_keras.towers.Tower`.
            tasks: List of `Task`s.

        Returns:
            `{task name: Keras tensor}` twice: the features of each task, and its output.
        """
        trunk, stages = self._split(tower.stages())
        x = apply_stages(trunk, inputs, "shared")
        groups = {"_".join(group): group for group in self._groups([task.name for task in tasks])}
        shared = self.share(x, stages, list(groups))
        features = {task: shared[name] for name, group in groups.items() for task in group}
        return features, self.outputs(features, tasks)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        """Returns `{name: Keras tensor}`, the features of each task.

        Args:
            x: What enters the stages: a Keras tensor, or a dict of them by input name.
            stages: `{stage name: function(x, name)}`, as `Tower.stages()` gives them.
            names: Names of the tasks or groups, in order.
        """
        raise NotImplementedError

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        """Returns `{task name: Keras tensor}`, the output of each task's head on its features."""
        return {task.name: task.head(features[task.name], task.name) for task in tasks}

    def _one_tower(self, x, stages, names):
        """Returns each task's features from one tower; after `split_after`, or with `groups`, from one for each."""
        if self.split_after is not None or self.groups is not None:
            return tower_per_task(stages, x, names)
        return dict.fromkeys(names, apply_stages(stages, x, "shared"))

    def _split(self, stages):
        """Returns the stages that serve all tasks, and the others."""
        names = list(stages)
        if self.split_after is None:
            num = 0
        elif self.split_after in names:
            num = names.index(self.split_after) + 1
        else:
            num = self.split_after
        if not isinstance(num, int) or (self.split_after is not None and not 0 < num < len(names)):
            raise ValueError(
                f"`split_after` must be a stage of the tower except the last, out of {names[:-1]}, or a number from 1 "
                f"to {len(names) - 1}. Received: split_after={self.split_after!r}."
            )
        if self.shares_front:
            num = max(num, self._num_front(stages))
        return {name: stages[name] for name in names[:num]}, {name: stages[name] for name in names[num:]}

    @staticmethod
    def _num_front(stages):
        """Returns how many of the first stages serve all tasks, because they have `front=True`."""
        front = [getattr(stage, "front", False) for stage in stages.values()]  # a plain function has no `front`
        if all(front):
            raise ValueError(
                f"`tower` must have a stage that the tasks can share in part. Received: {list(stages)}, of which all "
                'tasks use one copy. Add further stages, or use `sharing="single_task"`.'
            )
        return front.index(False)

    def _groups(self, names):
        """Returns the groups of tasks, lists of names."""
        groups = [[name] for name in names] if self.groups is None else [list(group) for group in self.groups]
        if sorted(name for group in groups for name in group) != sorted(names) or not all(groups):
            raise ValueError(
                f"`groups` must be lists that hold each of the tasks {names} once. Received: groups={self.groups}."
            )
        return groups


def apply_stages(stages: dict[str, Callable], x: Tensors, prefix: str) -> Tensors:
    """Runs x through the stages of a tower, with new layers named after the prefix."""
    for stage, apply in stages.items():
        x = apply(x, f"{prefix}_{stage}")
    return x


def tower_per_task(stages: dict[str, Callable], x: Tensors, names: list[str]) -> dict[str, Tensor]:
    """Returns each task's features from its own tower, with layers named after the task."""
    return {name: apply_stages(stages, x, name) for name in names}
