"""The loss balance of impartial multi-task learning."""

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg.masked import scaled_loss
from mtl_keras.weightings._base import LossScalarizer


@public
class IMTLL(LossScalarizer):
    """Scales the losses to equal size with trained scales.

    The log-scale s_t of a task is a trainable weight. At the optimum, exp(s_t) L_t = 1 for every task.

    objective = Σ_t exp(s_t) L_t - s_t

    Scale: every task starts with weight 1, and its scaled loss moves to 1. Losses must not be negative. s_t
    stays in [-30, 30]; the limit matters for a loss that stays at 0. The optimizer of the model trains s: exclude
    it from weight decay with `optimizer.exclude_from_weight_decay(var_names=["log_scales"])`. An absent task
    gives its s_t the gradient 0, but an optimizer with momentum still moves it.

    Args:
        name: Name of the layer.

    Example:

    ```python
    weighting = mtl.weightings.IMTLL()
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 2.5
    ```

    Reference:
        Liyang Liu, Yi Li, Zhanghui Kuang, Jing-Hao Xue, Yimin Chen, Wenming Yang, Qingmin Liao, Wayne Zhang.
        Towards Impartial Multi-task Learning. 2021.
    """

    lowest_losses = 0.0

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self.log_scales = self.add_weight(name="log_scales", shape=(num_tasks,), initializer="zeros")

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        s = ops.convert_to_tensor(self.log_scales)  # [T]
        return ops.sum(present * scaled_loss(s, losses))
