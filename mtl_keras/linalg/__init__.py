"""Pure functions on Gramians: tensors in, tensors out, the same eager, in a graph and under XLA."""

from mtl_keras.linalg.dual_cone import dual_cone_coefficients
from mtl_keras.linalg.equal_projection import equal_projection_weights
from mtl_keras.linalg.gramian import to_float32, unit_gramian
from mtl_keras.linalg.min_norm import min_norm_point
from mtl_keras.linalg.nonnegative_qp import RIDGE, nonnegative_qp, ridge_qp
from mtl_keras.linalg.psd import damped_solve, eigen, spectrum
from mtl_keras.linalg.reciprocal import solve_reciprocal
from mtl_keras.linalg.simplex import project_simplex

__all__ = [
    "RIDGE",
    "damped_solve",
    "dual_cone_coefficients",
    "eigen",
    "equal_projection_weights",
    "min_norm_point",
    "nonnegative_qp",
    "project_simplex",
    "ridge_qp",
    "solve_reciprocal",
    "spectrum",
    "to_float32",
    "unit_gramian",
]
