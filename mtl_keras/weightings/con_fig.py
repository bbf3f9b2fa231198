"""ConFIG: a direction with equal cosines to all gradients, as long as the sum of their projections."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.linalg import damped_solve, to_float32, unit_gramian
from mtl_keras.weightings._base import GramianWeighting
from mtl_keras.weightings._per_task import check_one_per_task, checked_preference, preference_of


def con_fig_weights(gramian, shares):
    """Returns the weights [T] of (Σ gᵢᵀu)·u with u the unit vector along Ĵ⁻¹·shares, Ĵ the unit gradients."""
    cosines, norms, nonzero = unit_gramian(gramian)
    used = ops.cast(nonzero, "float64")
    longest = ops.max(norms)
    relative = norms / ops.where(longest > 0, longest, 1.0)  # [T]
    target = used * ops.cast(shares, "float64")
    coefficients = damped_solve(cosines, target)  # of u on the unit gradients, except for its length [T]
    square = ops.sum(coefficients * target)  # square of that length
    length = ops.sum(relative * target) / ops.where(square > 0, square, 1.0)
    weights = to_float32(coefficients * length / ops.where(nonzero, relative, 1.0))
    return ops.where(square > 0, weights, shares)


@public
class ConFIG(GramianWeighting):
    """Takes the direction with the same cosine to every gradient; its length is the sum of their projections.

    The rows of Ĵ are the unit gradients. u is the unit vector for which Ĵu is proportional to the preference p,
    and d = (Σ gᵢᵀu)·u, which conflicts with no task. Only the Gramian is needed: u is along Ĵᵀ(ĴĴᵀ)⁻¹p.

    Scale: the sum of the projections, as in the paper; orthogonal gradients of equal length have weight 1. Only
    the ratios within p matter. When the gradients approach a linear dependence without such a u, the
    projections and d go to 0, as for opposed gradients. (The authors' program uses a pseudo-inverse and jumps
    to the least-squares cosines there.) A zero gradient has weight 0. If all gradients are zero, the weights
    are p. One task has weight 1.

    Args:
        preference: One non-negative number per task; equal by default.

    Raises:
        ValueError: If `preference` cannot be normalised.

    Example:

    ```python
    con_fig = mtl.weightings.ConFIG()
    con_fig.build(2)
    gramian = np.array([[18.0, -22.0], [-22.0, 38.0]])
    print(con_fig(gramian, losses=np.ones(2), present=np.ones(2)))  # [1.2265, 0.8441]
    ```

    Reference:
        Qiang Liu, Mengyu Chu and Nils Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed
        Neural Networks", 2025.
    """

    def __init__(self, *, preference: Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.preference = checked_preference(preference)

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        check_one_per_task("preference", self.preference, num_tasks)

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        return con_fig_weights(gramian, preference_of(self.preference, present))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "preference": self.preference}
