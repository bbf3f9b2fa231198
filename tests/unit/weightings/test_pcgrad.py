"""PCGrad's projections, against the paper's loop over dense gradients."""

import numpy as np

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of, jacobians


def projected_sum(j, order):
    total = np.zeros(j.shape[1])
    for i, row in enumerate(order):
        g = j[i].copy()
        for other in row:
            if other != i and g @ j[other] < 0:
                g -= (g @ j[other]) / (j[other] @ j[other]) * j[other]
        total += g
    return total


def test_a_fixed_order():
    for j in (jacobians(5, seed=1)["plain"], jacobians(5, seed=2)["conflicting"]):
        pcgrad = w.PCGrad(shuffle=False)
        pcgrad.build(5)
        weights = np.array(pcgrad(gramian_of(j), np.ones(5, "float32"), np.ones(5, "float32")))
        np.testing.assert_allclose(weights @ j, projected_sum(j, [range(5)] * 5), atol=1e-5)


def test_a_random_order_is_drawn_every_time():
    j = jacobians(5, seed=2)["conflicting"]
    pcgrad = w.PCGrad(seed=0)
    pcgrad.build(5)
    ones = np.ones(5, "float32")
    draws = {tuple(np.array(pcgrad(gramian_of(j), ones, ones)).round(4)) for _ in range(8)}
    assert len(draws) > 1
