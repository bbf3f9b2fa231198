"""MetaBalance: scales auxiliary gradients towards the length of the primary one."""

from typing import Any

from keras import ops

from mtl_keras._arguments import error, number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import GramianWeighting, keep_absent


def metabalance_weights(lengths, primary_length, *, relax):
    """Returns the weights relax ‖primary‖ / ‖g_t‖ + 1 - relax, 1 where a length is 0.

    Args:
        lengths: Averaged lengths of the task gradients. [T]
        primary_length: Averaged length of the primary gradient. Scalar.
        relax: How far the lengths move towards the primary one, in [0, 1].

    Returns:
        The weights. [T]
    """
    known = ops.logical_and(lengths > 0, primary_length > 0)
    ratio = ops.where(known, primary_length / ops.where(known, lengths, 1.0), 1.0)
    return relax * ratio + 1.0 - relax


@public
class MetaBalance(GramianWeighting):
    """Scales the gradients of the auxiliary tasks towards the length of the primary gradient.

    The lengths m_t are averaged over the steps:

    m_t ← beta m_t + (1 - beta) ‖g_t‖,  w_t = relax m_primary / m_t + 1 - relax,  d = Σ_t w_t g_t

    Scale: the primary task has weight 1, and so has a single task. If the primary task is absent from a batch,
    its average length so far is used; before it has one, the other tasks have weight 1.

    Args:
        primary: Name of the primary task; the first task by default.
        relax: How far the lengths move towards the primary one, in [0, 1]. 0 is the plain sum.
        beta: Share of the old average that is kept in a step, in [0, 1).
        name: Name of the layer.

    Raises:
        ValueError: If `relax` or `beta` is outside its range, or `primary` is not a name; at `build`, if no task
            has that name.

    Example:

    ```python
    weighting = mtl.weightings.MetaBalance(primary="odd")
    weighting.task_names = ("digit", "odd")  # `compile` does this
    weighting.build(2)
    gramian = np.array([[25.0, 3.0], [3.0, 1.0]], "float32")  # of the gradients [3, 4] and [1, 0]
    print(weighting(gramian, np.ones(2, "float32"), np.ones(2, "float32")))  # [0.44, 1.0]
    ```

    Reference:
        Yun He, Xue Feng, Cheng Cheng, Geng Ji, Yunsong Guo, James Caverlee. MetaBalance: Improving Multi-Task
        Recommendations via Adapting Gradient Magnitudes of Auxiliary Tasks. 2022. This is its strategy that
        both reduces and enlarges. The paper balances each layer separately; here, the gradient of all shared
        variables. The averages are corrected for their start at 0, so that a task that is sometimes absent does
        not look like one with short gradients.
    """

    def __init__(
        self, *, primary: str | None = None, relax: float = 0.7, beta: float = 0.9, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if not (primary is None or isinstance(primary, str)):
            raise ValueError(error("primary", "the name of a task", primary, "Use primary=None for the first task."))
        self.primary = primary
        self.relax = number("relax", relax, at_least=0, at_most=1)
        self.beta = number("beta", beta, at_least=0, below=1)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self._position = 0 if self.primary is None else self.task_index(self.primary)
        self.lengths = self.add_state("lengths", (num_tasks,))
        self.steps = self.add_state("steps", (num_tasks,))

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        norms = ops.sqrt(ops.maximum(ops.diagonal(gramian), 0.0))  # [T]
        self.steps.assign_add(present)
        lengths = self.beta * self.lengths + (1.0 - self.beta) * norms
        self.lengths.assign(keep_absent(lengths, self.lengths, present))
        share = 1.0 - ops.power(self.beta, self.steps)  # share of the average that is not its initial 0  [T]
        unbiased = self.lengths / ops.where(share > 0, share, 1.0)
        weights = metabalance_weights(unbiased, unbiased[self._position], relax=self.relax)
        return weights * present

    def get_config(self) -> dict[str, Any]:
        config = {"primary": self.primary, "relax": self.relax, "beta": self.beta}
        return {**super().get_config(), **config}
