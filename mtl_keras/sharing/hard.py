"""Hard sharing: one tower for all tasks."""

import dataclasses

from mtl_keras._registry import public
from mtl_keras.sharing._base import Sharing, apply_stages


@public
@dataclasses.dataclass(frozen=True)
class Hard(Sharing):
    """One tower for all tasks, and a head of its own for each: y_t = h_t(f(x)).

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing="hard")
    [layer.name for layer in model.layers if layer.name.startswith("shared")]
    ```

    Reference: R. Caruana, "Multitask Learning", Machine Learning 28, 1997.
    """

    def __call__(self, inputs, tower, tasks):
        features = apply_stages(tower.stages(), inputs, "shared")
        return {task.name: features for task in tasks}
