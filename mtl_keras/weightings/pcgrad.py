"""PCGrad: removes from each gradient its projections onto the gradients that it conflicts with."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import flag
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting


def pcgrad_weights(gramian, present, order):
    """Returns the weights [T] of the sum of the projected gradients.

    Args:
        gramian: G = J·Jᵀ. [T, T]
        present: 1 for tasks that take part. [T]
        order: Row i is the order in which task i meets the tasks, itself included. Integers. [T, T]
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    num_tasks = gramian.shape[0]
    identity = ops.eye(num_tasks, dtype="float64")
    length = norms[:, None]
    rows = identity * length  # row i: the coefficients of ĝᵢ on the unit gradients [T, T]
    for step in range(num_tasks):
        met = ops.take(identity, order[:, step], axis=0)  # row i: one-hot of the task that i meets [T, T]
        along = ops.sum(rows * ops.matmul(met, cosines), axis=1, keepdims=True)  # [T, 1]
        rows = rows - met * (1.0 - identity) * ops.minimum(along, 0.0)
    sums = ops.sum(rows, axis=0) / ops.where(nonzero, norms, 1.0)
    return to_float32(ops.where(nonzero, sums, 1.0)) * present


@public
class PCGrad(GramianWeighting):
    """Projects each gradient off every gradient that it conflicts with, in random order, and adds them up.

    For each task i, and each other task j in a new random order every step: if gᵢ·gⱼ < 0, where gᵢ is as changed
    so far and gⱼ is the original, then gᵢ loses its part along gⱼ. The direction is the sum of the results. It is
    computed on the Gramian, for all T tasks at once.

    Scale: the sum, as in the paper; without conflict every weight is 1. A zero gradient has weight 1 and
    changes no other gradient. One task has weight 1. For two tasks the order does not matter.

    Args:
        shuffle: Whether the order is random. With `False` every task meets the others in the model's order.
        seed: Seed of the order.

    Raises:
        ValueError: If `shuffle` is not a bool, or `seed` is not an integer.

    Example:

    ```python
    pcgrad = mtl.weightings.PCGrad(seed=1)
    pcgrad.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(pcgrad(gramian, losses=np.ones(2), present=np.ones(2)))  # [2.2222, 1.5789]
    ```

    Reference:
        Tianhe Yu, Saurabh Kumar, Abhishek Gupta, Sergey Levine, Karol Hausman and Chelsea Finn, "Gradient
        Surgery for Multi-Task Learning", 2020.
    """

    def __init__(self, *, shuffle: bool = True, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(seed=seed, name=name)
        self.shuffle = flag("shuffle", shuffle)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        if self.shuffle:
            self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        shape = (self.num_tasks, self.num_tasks)
        order = ops.broadcast_to(ops.arange(self.num_tasks), shape)
        if self.shuffle:
            order = ops.argsort(keras.random.uniform(shape, seed=self.seed_generator), axis=1)
        return pcgrad_weights(gramian, present, order)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shuffle": self.shuffle, "seed": self.seed}
