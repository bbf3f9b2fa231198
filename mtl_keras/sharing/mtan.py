"""MTAN: one tower, and soft attention masks of each task on its features."""

import dataclasses
from collections.abc import Callable

import keras

from mtl_keras._arguments import count, settle
from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.layers import AttentionMask, MatchPositions
from mtl_keras.sharing._base import Sharing


@public
@dataclasses.dataclass(frozen=True)
class MTAN(Sharing):
    """One tower for all tasks; each task puts a mask on the features of every stage.

    â_t^l = a_t^l ⊙ p^l with the mask a_t^l = σ(g_t^l([p^l; â_t^{l−1}])). p^l are the features of stage l. g_t^l are two
    1x1 convolutions (dense layers for vectors) with batch norm, and a ReLU between them. If the positions of â_t^{l−1}
    and p^l differ, â_t^{l−1} is averaged to those of p^l. The last â_t enters the head.

    Args:
        units: Width of the first layer of g; None for the number of channels of p.
        split_after: Last stage without masks, by name or number.
        groups: Lists of names of tasks; the tasks of a list share their masks.

    Raises:
        ValueError: If `units` is not a positive integer.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((28, 28), tasks, tower="lenet", sharing=mtl.sharing.MTAN(units=8))
    [layer.name for layer in model.layers if layer.name.endswith("_mask")]
    ```

    Reference: S. Liu, E. Johns, A. J. Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019. Departures:
    the stages of any tower, each as a whole: g reads the output of a stage, while the paper reads the output of its
    first convolution. What a mask passes to the next one is pooled, without the 3x3 convolution of the paper.
    """

    units: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units is not None:
            settle(self, units=count("units", self.units, hint="Use None for the number of channels."))

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        attended: dict[str, Tensor] = dict.fromkeys(names)
        for stage, apply in stages.items():
            x = apply(x, f"shared_{stage}")
            attended = {name: self._attend(x, attended[name], f"{name}_{stage}") for name in names}
        return attended

    def _attend(self, x, before, name):
        """Returns the features x of a stage under a task's mask."""
        z = x
        if before is not None:
            if before.shape[1:-1] != x.shape[1:-1] or None in x.shape[1:-1]:
                before = MatchPositions(name=f"{name}_match")([before, x])
            z = keras.layers.Concatenate(name=f"{name}_both")([x, before])
        z = _dense(z, self.units or x.shape[-1], f"{name}_gate1")
        z = keras.layers.Activation("relu", name=f"{name}_gate1_activation")(z)
        z = _dense(z, x.shape[-1], f"{name}_gate2")
        mask = AttentionMask(name=f"{name}_mask")(z)
        return keras.layers.Multiply(name=f"{name}_attended")([x, mask])


def _dense(x, units, name):
    x = keras.layers.Dense(units, use_bias=False, name=name)(x)
    return keras.layers.BatchNormalization(name=f"{name}_norm")(x)
