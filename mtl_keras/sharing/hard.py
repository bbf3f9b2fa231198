"""Hard sharing: one tower for all tasks."""

import dataclasses
from collections.abc import Callable

from mtl_keras._registry import public
from mtl_keras._types import Tensor, Tensors
from mtl_keras.sharing._base import Sharing


@public
@dataclasses.dataclass(frozen=True)
class Hard(Sharing):
    """One tower for all tasks, and one head per task: y_t = h_t(f(x)).

    With `split_after`, the tasks share the first stages, and each task has its own copy of the others. With `groups`,
    each group has its own tower.

    Args:
        split_after: Last stage that all tasks share, by name or number; None for all.
        groups: Lists of names of tasks; the tasks of a list share a tower. None for one tower, or with `split_after`
            for one copy of the later stages per task.

    Raises:
        ValueError: When the model is built, if `split_after` is not a stage before the last, or `groups` does not
            have each task once.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing="hard")
    [layer.name for layer in model.layers if layer.name.startswith("shared")]
    ```

    Reference: R. Caruana, "Multitask Learning", Machine Learning 28, 1997.
    """

    shares_front = False

    def share(self, x: Tensors, stages: dict[str, Callable], names: list[str]) -> dict[str, Tensor]:
        return self._one_tower(x, stages, names)
