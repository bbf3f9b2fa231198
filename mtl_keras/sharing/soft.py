"""Soft sharing: a tower for each task, held close to each other in training."""

import dataclasses

from mtl_keras._registry import public
from mtl_keras.sharing._base import Sharing, tower_per_task


@public
@dataclasses.dataclass(frozen=True)
class Soft(Sharing):
    """A tower of its own for each task, started from its own seed, whose variables a penalty holds together.

    The graph is that of `single_task`; the penalty, strength · Σ_{i<j} ‖θ_i − θ_j‖² over corresponding variables,
    comes into training with `callbacks.SoftSharing`.

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

    shares_front = False

    def share(self, x, stages, names):
        return tower_per_task(stages, x, names)
