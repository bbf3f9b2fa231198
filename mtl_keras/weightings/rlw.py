"""Random loss weighting."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import choice
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import masked_softmax
from mtl_keras.weightings._base import LossScalarizer


def rlw_weights(uniform, present, *, distribution):
    """Returns random task weights that sum to 1.

    Args:
        uniform: Random numbers in (0, 1). [T]
        present: 1 for a task with labels in the batch, else 0. [T]
        distribution: `"normal"` or `"dirichlet"`.

    Returns:
        The weights. [T]
    """
    standard_normal = 2.0**0.5 * ops.erfinv(2.0 * uniform - 1.0)
    log_exponential = ops.log(-ops.log(uniform))  # of Exponential(1), whose shares are Dirichlet(1, ..., 1)
    return masked_softmax(standard_normal if distribution == "normal" else log_exponential, present)


@public
class RLW(LossScalarizer):
    """Draws new random task weights for every batch.

    With `"normal"`, the weights are the softmax of T independent standard normal numbers. With `"dirichlet"`,
    they are uniform on the simplex.

    objective = Σ_t w_t L_t,  Σ_t w_t = 1 over the present tasks

    Scale: the weights sum to 1, as in the paper, so the objective is a weighted mean of the losses, not a sum.
    Losses may be any real numbers. With the same seed, TensorFlow draws different numbers with and without XLA.

    Args:
        distribution: `"normal"` or `"dirichlet"`.
        seed: Seed of the random weights.
        name: Name of the layer.

    Raises:
        ValueError: If the distribution is unknown.

    Example:

    ```python
    weighting = mtl.weightings.RLW(distribution="dirichlet", seed=1)
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # between 0.5 and 2
    ```

    Reference:
        Baijiong Lin, Feiyang Ye, Yu Zhang, Ivor Tsang. Reasonable Effectiveness of Random Weighting: A Litmus
        Test for Multi-Task Learning. 2022.
    """

    def __init__(self, *, distribution: str = "normal", seed: int | None = None, name: str | None = None) -> None:
        super().__init__(seed=seed, name=name)
        self.distribution = choice("distribution", distribution, ("normal", "dirichlet"))

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        shape = (self.num_tasks,)
        uniform = keras.random.uniform(shape, minval=1e-6, maxval=1.0 - 1e-6, seed=self.seed_generator)
        weights = rlw_weights(uniform, present, distribution=self.distribution)
        return ops.sum(weights * losses)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "distribution": self.distribution, "seed": self.seed}
