"""Cross-stitch networks: a tower for each task, mixed after every stage."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._arguments import flag, number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import CrossStitch as CrossStitchUnit
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._checks import check_alone
from mtl_keras.sharing._towers import mixed_towers, start_heads


@public
@dataclasses.dataclass(frozen=True)
class CrossStitch(Sharing):
    """One tower per task; after every stage, each task gets a trained mixture of the features of all towers.

    x̃_t = Σ_j α_tj · x_j for each task t, stage and channel. x̃_t enters the next stage of tower t, and after the last
    stage the head. If α is the identity, the tasks train as with `single_task`.

    Args:
        own: Start value of α_tt, in [0, 1]; the other tasks share 1 − own equally.
        per_channel: Whether each channel has its own α.
        transfer_from: A `MultiTaskModel` that `sharing="single_task"` built from the same tower and tasks, or
            `{task: model of this task}`. The towers and heads start from its weights, as in the paper. Not with
            `split_after` or `groups`.
        split_after: Last stage that all tasks share, by name or number.
        groups: Lists of names of tasks; the tasks of a list share a tower.

    Raises:
        ValueError: If `own` is out of range, or `transfer_from` is given with `split_after` or `groups`; when the
            model is built, if its towers differ from those of `transfer_from`.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    alone = mtl.build_model((8, 8), tasks, sharing="single_task")
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.CrossStitch(transfer_from=alone))
    model.get_layer("odd_dense1_stitch").alpha.shape  # (2, 128): two towers, 128 channels
    ```

    Reference: I. Misra, A. Shrivastava, A. Gupta, M. Hebert, "Cross-stitch Networks for Multi-task Learning", CVPR
    2016. Departures: units after every stage of any tower, not after the pooling and dense layers of AlexNet; more
    than two tasks; α has the learning rate of all other variables, while the paper uses an up to 1000 times higher one.
    """

    own: float = 0.9
    per_channel: bool = True
    transfer_from: keras.Model | dict[str, keras.Model] | None = None

    shares_front = False

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            own=number("own", self.own, at_least=0, at_most=1, hint="Use 1.0 for tasks that start apart."),
            per_channel=flag("per_channel", self.per_channel),
        )
        check_alone(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return mixed_towers(x, stages, names, self._mix, self.transfer_from)

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        outputs = super().outputs(features, tasks)
        start_heads(features, outputs, self.transfer_from)
        return outputs

    def _mix(self, streams, index, name):
        return CrossStitchUnit(index, self.own, self.per_channel, name=f"{name}_stitch")(streams)
