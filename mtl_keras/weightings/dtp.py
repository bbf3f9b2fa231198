"""Dynamic task prioritization."""

from typing import Any

from keras import ops

from mtl_keras._arguments import number
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import LossScalarizer, keep_absent


def priority(kpi, *, gamma, eps):
    """Returns the focal priority -(1 - κ)^gamma log κ of key performance indicators κ in [0, 1]. [T]"""
    kpi = ops.clip(kpi, eps, 1.0)
    return -ops.power(1.0 - kpi, gamma) * ops.log(kpi)


@public
class DTP(LossScalarizer):
    """Gives hard tasks more weight and easy ones less.

    The difficulty of a task comes from a key performance indicator κ_t in [0, 1], here exp(-L_t). For a
    cross-entropy this is the geometric mean of the probability of the right class. It is averaged over the steps.

    κ_t ← decay κ_t + (1 - decay) exp(-L_t),  w_t = -(1 - κ_t)^gamma log κ_t,  objective = Σ_t w_t L_t

    Scale: the weights have no fixed sum, as in the paper. The weight of a task goes to 0 as its loss goes to 0,
    even for a single task, and is at most 16 with the default `eps`. Losses must not be negative.

    Args:
        gamma: Focal exponent, at least 0. Larger values give easy tasks less weight.
        decay: Share of the old average that is kept in a step, in [0, 1).
        eps: Smallest indicator, in (0, 1). It bounds the weights by -log(eps).
        name: Name of the layer.

    Raises:
        ValueError: If an argument is outside its range.

    Example:

    ```python
    weighting = mtl.weightings.DTP()
    weighting.build(2)
    weighting(np.array([0.1, 2.0], "float32"), np.ones(2, "float32"))  # 3.46, all but 0.001 from the second
    ```

    Reference:
        Michelle Guo, Albert Haque, De-An Huang, Serena Yeung, Li Fei-Fei. Dynamic Task Prioritization for
        Multitask Learning. 2018. In the paper the indicator is a metric of the task, such as accuracy, each
        task has its own exponent, and the examples of a task are weighted in the same way. For the examples,
        use a focal loss.
    """

    lowest_losses = 0.0

    def __init__(self, *, gamma: float = 1.0, decay: float = 0.9, eps: float = 1e-7, name: str | None = None) -> None:
        super().__init__(name=name)
        self.gamma = number("gamma", gamma, at_least=0)
        self.decay = number("decay", decay, at_least=0, below=1)
        self.eps = number("eps", eps, above=0, below=1)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.kpi = self.add_state("kpi", (num_tasks,))
        self.seen = self.add_state("seen", (num_tasks,))

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        kpi = ops.exp(-ops.maximum(ops.stop_gradient(losses), 0.0))  # [T]
        average = ops.where(self.seen > 0, self.decay * self.kpi + (1.0 - self.decay) * kpi, kpi)
        self.kpi.assign(keep_absent(average, self.kpi, present))
        self.seen.assign(ops.maximum(self.seen, present))
        return ops.sum(present * priority(average, gamma=self.gamma, eps=self.eps) * losses)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma, "decay": self.decay, "eps": self.eps}
