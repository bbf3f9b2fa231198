"""Gradient sign dropout."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import GradientAggregator


def sign_dropout(rows, uniform, *, leak):
    """Returns the sum of the rows after each coordinate has kept the entries of one sign.

    Args:
        rows: Task gradients, zero for absent tasks. [T, P]
        uniform: Random numbers in [0, 1). [P]
        leak: Share of the dropped entries that is kept.

    Returns:
        The direction. [P]
    """
    positive = ops.sum(ops.maximum(rows, 0.0), axis=0)  # [P]
    total = ops.sum(ops.abs(rows), axis=0)  # [P]
    purity = positive / ops.where(total > 0, total, 1.0)  # ½ (1 + Σg / Σ|g|)
    kept = ops.where(uniform < purity, ops.maximum(rows, 0.0), ops.minimum(rows, 0.0))  # [T, P]
    return ops.sum(leak * rows + (1.0 - leak) * kept, axis=0)


@public
class GradDrop(GradientAggregator):
    """Keeps either the positive or the negative entries of the task gradients, drawn for each coordinate.

    The sign is random: positive with probability P = ½ (1 + Σ_t g_t / Σ_t |g_t|).

    d = Σ_t leak g_t + (1 - leak) g_t [sign of g_t is the drawn one]

    Scale: a sum, as in the paper; a single task has its plain gradient. Absent tasks take no part. With the same
    seed, TensorFlow draws different numbers with and without XLA.

    Args:
        leak: Share of the dropped entries that is kept, in [0, 1]: 0 is the method, 1 the plain sum.
        seed: Seed of the random signs.
        name: Name of the layer.

    Raises:
        ValueError: If `leak` is not in [0, 1].

    Example:

    ```python
    weighting = mtl.weightings.GradDrop(seed=1)
    weighting.num_parameters = 3  # `compile` does this
    weighting.build(2)
    rows = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], "float32")
    weighting(rows, np.ones(2, "float32"), np.ones(2, "float32"))  # [-4 or 6, 2, 2]
    ```

    Reference:
        Zhao Chen, Jiquan Ngiam, Yanping Huang, Thang Luong, Henrik Kretzschmar, Yuning Chai, Dragomir Anguelov,
        "Just Pick a Sign: Optimizing Deep Multitask Models with Gradient Sign Dropout", 2020. The paper masks the
        gradients of activations, multiplied by the activations' signs and summed over the batch, and has one leak
        per task; here the rows are masked as they are.
    """

    by_column = True

    def __init__(self, *, leak: float = 0.0, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(seed=seed, name=name)
        self.leak = number("leak", leak, at_least=0, at_most=1)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, rows: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        uniform = keras.random.uniform(ops.shape(rows)[1:], seed=self.seed_generator)
        return sign_dropout(rows, uniform, leak=self.leak)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "leak": self.leak, "seed": self.seed}
