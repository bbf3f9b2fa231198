"""IMTL-G: a direction with equal projections on all unit gradients."""

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import equal_projection_weights
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import preference_of


@public
class IMTLG(GramianWeighting):
    """Finds the direction that has the same projection on every task's unit gradient.

    With the unit gradients uᵢ = gᵢ / ‖gᵢ‖, the weights solve d·uᵢ = d·uⱼ for all i, j, where d = Σ wᵢgᵢ and
    Σ wᵢ = 1. In closed form, w is proportional to C⁻¹1 / ‖g‖ for the matrix C of the cosines.

    Scale: the weights sum to 1, as in the paper; some may be negative or large. d goes to 0 when the gradients
    approach a linear dependence for which no direction has equal projections, such as opposed gradients. Equal
    gradients share their weight. A zero gradient has weight 0. The weights are equal if their sum before the
    normalisation is 0. One task has weight 1.

    Example:

    ```python
    imtl_g = mtl.weightings.IMTLG()
    imtl_g.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(imtl_g(gramian, losses=np.ones(2), present=np.ones(2)))  # [0.5923, 0.4077]
    ```

    Reference:
        Liyang Liu, Yi Li, Zhanghui Kuang, Jing-Hao Xue, Yimin Chen, Wenming Yang, Qingmin Liao and Wayne
        Zhang, "Towards Impartial Multi-task Learning", 2021.
    """

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        return equal_projection_weights(gramian, preference_of(None, present))
