"""The loss of quantiles, beside scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from mtl_keras.losses import Pinball


def test_pinball_equals_scikit_learn():
    rng = np.random.default_rng(0)
    labels, p, weights = rng.normal(size=20), rng.normal(size=(20, 3)), rng.uniform(size=20)
    loss = Pinball([0.1, 0.5, 0.75], reduction="mean_with_sample_weight")
    expected = [
        mean_pinball_loss(labels, p[:, k], alpha=q, sample_weight=weights) for k, q in enumerate((0.1, 0.5, 0.75))
    ]
    assert float(loss(labels, p, weights)) == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize("quantiles", [[], [0.0], [0.5, 1.0], [-1]])
def test_bad_quantiles(quantiles):
    with pytest.raises(ValueError, match=r"`quantiles` must be numbers in \(0, 1\). Received: quantiles=\["):
        Pinball(quantiles)


def test_pinball_of_another_width():
    with pytest.raises(ValueError, match=r"`y_pred` must have 2 columns, one a quantile. Received: \(3, 1\)"):
        Pinball([0.1, 0.9])(np.zeros(3), np.zeros((3, 1)))
