"""Krum's choice, against its definition."""

import numpy as np
import pytest

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of


@pytest.mark.parametrize(("n_byzantine", "n_selected"), [(0, 1), (1, 2), (2, 3)])
def test_the_nearest_are_chosen(n_byzantine, n_selected):
    j = np.random.default_rng(0).normal(size=(6, 4))
    distances = ((j[:, None] - j[None]) ** 2).sum(axis=-1)
    scores = np.sort(distances, axis=1)[:, 1 : 6 - n_byzantine - 2 + 1].sum(axis=1)
    expected = np.zeros(6)
    expected[np.argsort(scores)[:n_selected]] = 1 / n_selected
    krum = w.Krum(n_byzantine=n_byzantine, n_selected=n_selected)
    krum.build(6)
    ones = np.ones(6, "float32")
    np.testing.assert_allclose(krum(gramian_of(j), ones, ones), expected, rtol=1e-6)
