"""NDDR-CNN: features of all towers, reduced for each task."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mtl_keras._arguments import number, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing._checks import check_alone
from mtl_keras.sharing._towers import mixed_towers, start_heads


@public
@dataclasses.dataclass(frozen=True)
class NDDR(Sharing):
    """One tower per task; after every stage, each task gets a 1x1 convolution over the features of all towers.

    x̃_t = ReLU(BN(W_t · [x_1; ...; x_T])) for each task t and stage, with W_t of shape [T·C, C]: neural discriminative
    dimensionality reduction. x̃_t enters the next stage of tower t, and after the last stage the head.

    Args:
        own: Start value of the diagonal of W_t for the task's own features, in [0, 1]. The diagonals for the other
            tasks share 1 − own equally, and the other entries start at 0.
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
    model = mtl.build_model((8, 8), tasks, sharing="nddr")
    model.get_layer("odd_dense1_nddr").kernel.shape  # (256, 128): two towers of 128 channels
    ```

    Reference: Y. Gao, J. Ma, M. Zhao, W. Liu, A. L. Yuille, "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by
    Neural Discriminative Dimensionality Reduction", CVPR 2019. Departures: after every stage of any tower, also for
    vectors and sequences; the other tasks share 1 − own (other programs use 0.8 for the task and 0.05 for each other
    one); no shortcuts from the stages to the heads.
    """

    own: float = 0.9
    transfer_from: keras.Model | dict[str, keras.Model] | None = None

    shares_front = False

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(
            self,
            own=number("own", self.own, at_least=0, at_most=1, hint="Use 1.0 for tasks that start apart."),
        )
        check_alone(self)

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return mixed_towers(x, stages, names, self._mix, self.transfer_from)

    def outputs(self, features: dict[str, Tensor], tasks: list[Any]) -> dict[str, Tensor]:
        outputs = super().outputs(features, tasks)
        start_heads(features, outputs, self.transfer_from)
        return outputs

    def _mix(self, streams, index, name):
        channels, num = streams[0].shape[-1], len(streams)
        x = keras.layers.Concatenate(name=f"{name}_all")(streams)
        reduction = keras.layers.Dense(channels, use_bias=False, name=f"{name}_nddr")
        x = reduction(x)
        row = [self.own if i == index else (1.0 - self.own) / (num - 1) for i in range(num)]
        reduction.kernel.assign(np.kron(np.array(row)[:, None], np.eye(channels)))
        x = keras.layers.BatchNormalization(name=f"{name}_nddr_norm")(x)
        return keras.layers.Activation("relu", name=f"{name}_nddr_activation")(x)
