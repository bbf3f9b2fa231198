"""IMTL-G: a direction with equal projections on all unit gradients."""

from keras import ops

from mtl_keras._registry import public
from mtl_keras.linalg import pseudo_inverse, to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting, preference_of

_SMALLEST_SUM = 1e-6


def imtl_g_weights(gramian, present):
    """Returns the weights [T], of sum 1, with which d·gᵢ / ‖gᵢ‖ is the same for all tasks."""
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    equal = ops.matmul(pseudo_inverse(cosines), used)  # coefficients of the unit gradients [T]
    longest = ops.max(norms)
    raw = used * equal * ops.where(nonzero, longest / ops.where(nonzero, norms, 1.0), 0.0)  # [T]
    total = ops.sum(raw)
    lost = ops.abs(total) <= _SMALLEST_SUM * ops.max(ops.abs(raw))
    weights = to_float32(raw / ops.where(lost, 1.0, total))
    return ops.where(lost, preference_of(None, present), weights)


@public
class IMTLG(GramianWeighting):
    """Finds the direction that has the same projection on every task's unit gradient.

    With the unit gradients uᵢ = gᵢ / ‖gᵢ‖ the weights solve d·uᵢ = d·uⱼ for all i, j with d = Σ wᵢgᵢ and
    Σ wᵢ = 1: w is proportional to C⁺1 / ‖g‖ for the matrix C of the cosines. In closed form, by the
    eigenvalues of C.

    Scale: the weights sum to 1, as in the paper; some may be negative or large. Where the gradients are
    dependent the pseudo-inverse gives the nearest to equal projections. A zero gradient has weight 0. Where
    the sum to be divided by vanishes (opposed gradients) the weights are equal. One task has weight 1.

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

    def call(self, gramian, losses, present):
        return imtl_g_weights(gramian, present)
