"""The likelihood of a normal distribution, beside scipy."""

import numpy as np
import scipy.stats

from mtl_keras.losses import GaussianLikelihood


def test_gaussian_equals_scipy():
    rng = np.random.default_rng(0)
    labels, p = rng.normal(size=10), np.stack([rng.normal(size=10), rng.uniform(0.1, 3, 10)], axis=1)
    expected = -scipy.stats.norm.logpdf(labels, p[:, 0], p[:, 1])
    np.testing.assert_allclose(GaussianLikelihood(reduction="none")(labels, p), expected, rtol=1e-5)
