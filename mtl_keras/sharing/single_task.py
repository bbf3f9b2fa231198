"""No sharing: one tower per task."""

import dataclasses
from collections.abc import Callable

from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing, tower_per_task


@public
@dataclasses.dataclass(frozen=True)
class SingleTask(Sharing):
    """One tower per task, nothing shared: y_t = h_t(f_t(x)). The baseline that sharing must beat.

    The tasks train side by side in one model. The gradient of a task does not reach the variables of another one.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    baseline = mtl.build_model((8, 8), tasks, sharing="single_task")
    ```
    """

    shares_front = False

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return tower_per_task(stages, x, names)
