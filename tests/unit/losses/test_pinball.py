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


@pytest.mark.parametrize("quantiles", [[], "0.5", 0.5, None])
def test_what_is_no_list_of_quantiles(quantiles):
    with pytest.raises(
        ValueError, match=r"`quantiles` must be a list of numbers above 0 and below 1. Received: quantil"
    ):
        Pinball(quantiles)


@pytest.mark.parametrize("wrong", [0.0, 1.0, -1, float("nan"), True, "0.5"])
def test_bad_quantiles(wrong):
    with pytest.raises(
        ValueError, match=r"`quantiles\[1\]` must be a finite number above 0 and below 1. Received: qua"
    ):
        Pinball([0.5, wrong])


def test_quantiles_of_numpy_become_floats():
    quantiles = Pinball(np.array([0.25, 0.5], "float32")).get_config()["quantiles"]
    assert quantiles == [0.25, 0.5]
    assert {type(quantile) for quantile in quantiles} == {float}


def test_pinball_of_another_width():
    with pytest.raises(ValueError, match=r"`y_pred` must have 2 columns, one per quantile. Received: \(3, 1\)"):
        Pinball([0.1, 0.9])(np.zeros(3), np.zeros((3, 1)))
