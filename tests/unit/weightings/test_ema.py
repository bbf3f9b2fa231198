"""The moving average, and what it wraps."""

import numpy as np

from mtl_keras import weightings as w

ONES = np.ones(2, "float32")


def test_average_by_hand():
    ema = w.EMA(weighting="mgda", decay=0.5)
    ema.build(2)
    first, second = np.diag([1.0, 1.0]), np.diag([1.0, 3.0])  # weights (.5, .5) and (.75, .25)
    np.testing.assert_allclose(ema(first, ONES, ONES), [0.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(ema(second, ONES, ONES), [0.625, 0.375], rtol=1e-5)


def test_no_decay_is_the_inner_method():
    ema, inner = w.EMA(weighting=w.CAGrad(c=0.3), decay=0.0), w.CAGrad(c=0.3)
    ema.build(2)
    inner.build(2)
    for gramian in (np.diag([1.0, 3.0]), np.array([[2.0, -1.0], [-1.0, 1.0]])):
        np.testing.assert_array_equal(ema(gramian, ONES, ONES), inner(gramian, ONES, ONES))
