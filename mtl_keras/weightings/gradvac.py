"""GradVac: raises the cosine of each pair of gradients to its running average."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import flag, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting

_LARGEST_TARGET = 1.0 - 1e-6  # a target cosine of 1 would need an infinite correction


def gradvac_weights(gramian, present, targets, order, *, beta=0.5):
    """Returns the weights [T] of the sum of the corrected gradients, and the new target cosines [T, T].

    Args:
        gramian: G = J·Jᵀ. [T, T]
        present: 1 for tasks that take part. [T]
        targets: Row i: the averages of the cosines of gᵢ, as corrected, with the other gradients. [T, T]
        order: Row i is the order in which task i meets the tasks, itself included. Integers. [T, T]
        beta: Share of the new cosine in the average.
    """
    cosines, norms, nonzero = unit_gramian(gramian)
    num_tasks = gramian.shape[0]
    identity = ops.eye(num_tasks, dtype="float64")
    used = ops.cast(nonzero, "float64")
    pairs = used[:, None] * used[None, :] * (1.0 - identity)  # [T, T]
    targets = ops.cast(targets, "float64")
    aims = ops.clip(targets, -_LARGEST_TARGET, _LARGEST_TARGET)
    rows = identity * used  # row i: the coefficients of gᵢ/‖gᵢ‖, as corrected, on the unit gradients [T, T]
    for step in range(num_tasks):
        met = ops.take(identity, order[:, step], axis=0) * pairs  # row i: one-hot of the task that i meets
        images = ops.matmul(rows, cosines)  # [T, T]
        length = ops.sqrt(ops.maximum(ops.sum(rows * images, axis=1), 0.0))  # [T]
        along = ops.sum(images * met, axis=1)
        cosine = ops.clip(along / ops.where(length > 0, length, 1.0), -1.0, 1.0)  # [T]
        aim = ops.sum(aims * met, axis=1)
        ratio = ops.sqrt((1.0 - cosine**2) / (1.0 - aim**2))
        added = ops.where(cosine < aim, length * (aim * ratio - cosine), 0.0)
        rows = rows + met * added[:, None]
        targets = targets + met * beta * (cosine[:, None] - targets)
    sums = ops.matmul(norms, rows) / ops.where(nonzero, norms, 1.0)
    return to_float32(ops.where(nonzero, sums, 1.0)) * present, to_float32(targets)


@public
class GradVac(GramianWeighting):
    """Corrects each gradient so that its cosine with every other one is at least their average cosine so far.

    For each task i, and each other task j in a new random order every step: let c be the cosine of gᵢ, as
    corrected so far, with gⱼ, and t the moving average of c. If c < t, then
    ‖gᵢ‖(t·sqrt(1 - c²) - c·sqrt(1 - t²)) / (‖gⱼ‖·sqrt(1 - t²)) · gⱼ is added to gᵢ, which makes the cosine t. Then
    t <- (1 - beta)t + beta·c. With t = 0, as at the first step, this is PCGrad. It is computed on the Gramian, for
    all T tasks at once. The average of a pair changes only when both tasks are present.

    Scale: the sum of the corrected gradients, as in the paper. Target cosines are at most 1 - 1e-6. A zero
    gradient has weight 1, corrects nothing and does not change its averages. One task has weight 1.

    Args:
        beta: Share of the new cosine in the moving average, in [0, 1]. The default is that of other
            libraries. The paper uses 0.01, with which the targets stay near 0 for about 100 steps.
        shuffle: Whether the order is random. With `False` every task meets the others in the model's order.
        seed: Seed of the order.

    Raises:
        ValueError: If `beta` is not in [0, 1], or `shuffle` is not a bool.

    Example:

    ```python
    gradvac = mtl.weightings.GradVac(seed=1)
    gradvac.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(gradvac(gramian, losses=np.ones(2), present=np.ones(2)))  # [2.2222, 1.5789]
    ```

    Reference:
        Zirui Wang, Yulia Tsvetkov, Orhan Firat and Yuan Cao, "Gradient Vaccine: Investigating and Improving
        Multi-task Optimization in Massively Multilingual Models", 2021.
    """

    def __init__(
        self, *, beta: float = 0.5, shuffle: bool = True, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.beta = number("beta", beta, at_least=0, at_most=1, hint="Use beta=0 for constant targets.")
        self.shuffle = flag("shuffle", shuffle)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.targets = self.add_state("targets", (num_tasks, num_tasks))
        if self.shuffle:
            self.seed_generator = keras.random.SeedGenerator(self.seed)

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        shape = (self.num_tasks, self.num_tasks)
        order = ops.broadcast_to(ops.arange(self.num_tasks), shape)
        if self.shuffle:
            order = ops.argsort(keras.random.uniform(shape, seed=self.seed_generator), axis=1)
        weights, targets = gradvac_weights(gramian, present, self.targets, order, beta=self.beta)
        self.targets.assign(targets)
        return weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "beta": self.beta, "shuffle": self.shuffle, "seed": self.seed}
