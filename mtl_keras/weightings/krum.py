"""Krum: the gradients that have the nearest neighbours."""

from typing import Any

from keras import ops

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import GramianWeighting


def krum_weights(gramian, present, *, n_byzantine=0, n_selected=1):
    """Returns equal weights [T] on the `n_selected` gradients that are nearest to their neighbours."""
    count = ops.sum(present)
    gramian = ops.cast(gramian, "float64")
    squares = ops.diagonal(gramian)
    distances = ops.maximum(squares[:, None] + squares[None, :] - 2.0 * gramian, 0.0)  # squared [T, T]
    num_tasks = gramian.shape[0]
    excluded = ops.logical_or(ops.eye(num_tasks) > 0, ops.logical_not(present[None, :] > 0))
    nearest = ops.sort(ops.where(excluded, 1e300, distances), axis=1)  # [T, T]
    neighbours = ops.minimum(ops.maximum(count - n_byzantine - 2.0, 1.0), count - 1.0)
    position = ops.arange(num_tasks, dtype="float32")
    scores = ops.sum(ops.where(position < neighbours, nearest, 0.0), axis=1)  # [T]
    scores = ops.where(present > 0, scores, 1e305)
    earlier = position[None, :] < position[:, None]
    ahead = ops.logical_or(
        scores[None, :] < scores[:, None], ops.logical_and(scores[None, :] == scores[:, None], earlier)
    )
    rank = ops.sum(ops.cast(ahead, "float32"), axis=1)  # [T]
    chosen = present * ops.cast(rank < n_selected, "float32")
    return chosen / ops.maximum(ops.sum(chosen), 1.0)


@public
class Krum(GramianWeighting):
    """Takes the mean of the gradients that lie nearest to their neighbours, and drops the others.

    The score of task i is the sum of its squared distances ‖gᵢ - gⱼ‖² to its T - n_byzantine - 2 nearest
    neighbours. The `n_selected` tasks with the lowest scores have equal weights, the others 0. The method was
    made for workers that may send arbitrary gradients; with tasks, it follows the majority.

    Scale: the weights sum to 1, as in the paper. If scores are equal, the first task in the model's order wins.
    If fewer than n_byzantine + 3 tasks are present, one neighbour counts. One task has weight 1. The distances
    are squared, as in the paper but not in other libraries.

    Args:
        n_byzantine: How many gradients may be arbitrary, at least 0.
        n_selected: How many gradients are averaged, at least 1 (more than 1 is the paper's Multi-Krum).

    Raises:
        ValueError: If an argument is out of range; at `build`, if there are fewer than n_byzantine + 3 tasks
            (but more than one), or fewer than `n_selected`.

    Example:

    ```python
    krum = mtl.weightings.Krum()
    krum.build(3)
    gramian = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.1], [0.0, 0.1, 1.0]])
    print(krum(gramian, losses=np.ones(3), present=np.ones(3)))  # [1, 0, 0]
    ```

    Reference:
        Peva Blanchard, El Mahdi El Mhamdi, Rachid Guerraoui and Julien Stainer, "Machine Learning with
        Adversaries: Byzantine Tolerant Gradient Descent", 2017.
    """

    def __init__(self, *, n_byzantine: int = 0, n_selected: int = 1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.n_byzantine = count(
            "n_byzantine",
            n_byzantine,
            at_least=0,
            hint="Use n_byzantine=0 for the gradient with the nearest neighbours of all.",
        )
        self.n_selected = count("n_selected", n_selected, hint="Use n_selected=1 for one task's gradient.")

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        if 1 < num_tasks < max(self.n_byzantine + 3, self.n_selected):
            raise ValueError(
                "Krum needs at least n_byzantine + 3 and `n_selected` tasks. Received: "
                f"n_byzantine={self.n_byzantine}, n_selected={self.n_selected} and {num_tasks} tasks. "
                'Use weighting="equal" for so few.'
            )

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        return krum_weights(gramian, present, n_byzantine=self.n_byzantine, n_selected=self.n_selected)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n_byzantine": self.n_byzantine, "n_selected": self.n_selected}
