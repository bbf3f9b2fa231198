"""MGDA's normalisations."""

import numpy as np

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of

J = np.array([[3.0, 0.0], [0.0, 1.0]])
LOSSES = np.array([0.5, 2.0], "float32")


def weights_of(normalize):
    mgda = w.MGDA(normalize=normalize)
    mgda.build(2)
    return np.array(mgda(gramian_of(J), LOSSES, np.ones(2, "float32")))


def test_normalisations_divide_the_gradients():
    # For orthogonal gradients of length a and b the min-norm weights are in the ratio 1/a² to 1/b².
    lengths = {None: (3.0, 1.0), "l2": (1.0, 1.0), "loss": (6.0, 0.5), "loss+": (2.0, 0.5)}
    for normalize, (a, b) in lengths.items():
        np.testing.assert_allclose(weights_of(normalize)[0], b**2 / (a**2 + b**2), rtol=1e-5)


def test_a_zero_gradient_takes_the_weight():
    mgda = w.MGDA()
    mgda.build(3)
    gramian = gramian_of([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(mgda(gramian, np.ones(3, "float32"), np.ones(3, "float32")), [0.0, 1.0, 0.0])
