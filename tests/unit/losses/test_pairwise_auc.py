"""PairwiseAUC, pair by pair in NumPy."""

import itertools

import numpy as np
import pytest

from mtl_keras.losses import PairwiseAUC


def by_pairs(labels, p, weights, margin):
    total = value = 0.0
    for i, j in itertools.product(range(len(labels)), repeat=2):
        if labels[i] > labels[j]:
            total += weights[i] * weights[j]
            value += weights[i] * weights[j] * max(0.0, margin - (p[i] - p[j])) ** 2
    return value / total


@pytest.mark.parametrize("margin", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("columns", [1, 3])
def test_equals_the_sum_over_the_pairs(margin, columns):
    rng = np.random.default_rng(0)
    labels, p, weights = (
        rng.integers(0, 2, (9, columns)),
        rng.uniform(size=(9, columns)),
        rng.integers(0, 3, (9, columns)),
    )
    expected = [by_pairs(*(array[:, k] for array in (labels, p, weights)), margin) for k in range(columns)]
    assert float(PairwiseAUC(margin)(labels, p, weights)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_label_without_pairs_is_left_out():
    labels, p = np.array([[1, 1], [0, 1]]), np.array([[0.5, 0.1], [0.5, 0.2]])
    assert float(PairwiseAUC()(labels, p)) == pytest.approx(0.25)
    assert float(PairwiseAUC()(labels[:, 1:], p[:, 1:])) == 0.0


def test_all_in_order_by_the_margin_is_zero():
    assert float(PairwiseAUC(0.5)(np.array([1, 0]), np.array([[0.75], [0.2]]))) == 0.0


@pytest.mark.parametrize("margin", [0, -0.1, 1.1])
def test_bad_margin(margin):
    with pytest.raises(
        ValueError, match=rf"`margin` must be a finite number above 0 and at most 1. Received: margin={margin}"
    ):
        PairwiseAUC(margin)
