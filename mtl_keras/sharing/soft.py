"""Soft sharing: one tower per task, kept close to each other in training."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing, tower_per_task
from mtl_keras.sharing._checks import check_alone
from mtl_keras.sharing._towers import start_heads, start_tower


@public
@dataclasses.dataclass(frozen=True)
class Soft(Sharing):
    """One tower per task, each with its own seed; a penalty pulls the variables of the towers together.

    The graph is that of `single_task`. Add the penalty, strength · Σ_{i<j} ‖θ_i − θ_j‖² over corresponding variables,
    to the training with `callbacks.SoftSharing`.

    Args:
        transfer_from: A `MultiTaskModel` that `sharing="single_task"` built from the same tower and tasks, or
            `{task: model of this task}`. The towers and heads start from its weights. Not with `split_after` or
            `groups`.
        split_after: Last stage that all tasks share, by name or number.
        groups: Lists of names of tasks; the tasks of a list share a tower.

    Raises:
        ValueError: If `transfer_from` is given with `split_after` or `groups`; when the model is built, if its towers
            differ from those of `transfer_from`.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing="soft")
    model.compile("adam")
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    model.fit(np.ones((10, 8, 8)), y, callbacks=[mtl.callbacks.SoftSharing(strength=0.01)], verbose=0)
    ```

    Reference: L. Duong, T. Cohn, S. Bird, P. Cook, "Low Resource Dependency Parsing: Cross-lingual Parameter
    Sharing in a Neural Network Parser", ACL 2015, for the squared distance.
    """

    transfer_from: keras.Model | dict[str, keras.Model] | None = None

    shares_front = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_alone(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        features = tower_per_task(stages, x, names)
        for name, tensor in features.items():
            start_tower([(x, tensor)], name, self.transfer_from)
        return features

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        outputs = super().outputs(features, tasks)
        start_heads(features, outputs, self.transfer_from)
        return outputs
