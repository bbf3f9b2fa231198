"""The plain sum of the losses."""

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import LossScalarizer


@public
class Equal(LossScalarizer):
    """Adds the losses up, all with weight 1.

    objective = Σ_t L_t

    Scale: the sum, as in Keras for a model with several outputs, not the mean. Each task trains with the
    learning rate that it would have alone. Losses may be any real numbers.

    Args:
        name: Name of the layer.

    Example:

    ```python
    weighting = mtl.weightings.Equal()
    weighting.build(2)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 2.5
    ```

    Reference:
        The baseline of every comparison; it has no paper.
    """

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        return ops.sum(losses * present)
