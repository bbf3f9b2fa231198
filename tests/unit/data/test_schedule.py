"""The order in which a mix draws from its sources."""

import numpy as np
import pytest

from mtl_keras.data._schedule import Schedule


def _order(schedule, epoch, first=0, size=7):
    return np.concatenate([np.empty(0, int), *schedule.steps(epoch, first, size)])


@pytest.mark.parametrize("block", [5, 64, 1000])
@pytest.mark.parametrize("in_turn", [False, True])
def test_counts_are_exact_and_the_order_can_be_taken_up_anywhere(block, in_turn, monkeypatch):
    monkeypatch.setattr("mtl_keras.data._schedule._BLOCK", block)
    shares = np.full(3, 1 / 3) if in_turn else np.array([0.6, 0.3, 0.1])
    schedule = Schedule(lambda epoch: shares, 100, in_turn, seed=1)
    before = np.zeros(3, int)
    for epoch in range(3):
        order = _order(schedule, epoch)
        expected = [34, 33, 33] if in_turn else [60, 30, 10]
        assert np.bincount(order).tolist() == expected
        for first in (0, 1, 4, 5, 63, 64, 99, 100):
            assert _order(schedule, epoch, first).tolist() == order[first:].tolist()
            counted = before + np.bincount(order[:first], minlength=3)
            assert schedule.before(epoch, first).tolist() == counted.tolist()
        before = before + expected
    assert in_turn or _order(schedule, 0).tolist() != _order(schedule, 1).tolist()


def test_shares_are_rounded_to_the_largest_remainders():
    schedule = Schedule(lambda epoch: np.array([0.45, 0.35, 0.2]), 11, False, seed=0)
    assert schedule.counts(0).tolist() == [5, 4, 2]  # 4.95, 3.85, 2.2


def test_all_places_are_alike_for_each_source():
    """The first tenth of an epoch has on average a tenth of the rare source, as in a random permutation."""
    found = [np.sum(_order(Schedule(lambda e: np.array([0.9, 0.1]), 100, False, s), 0)[:10]) for s in range(400)]
    assert abs(np.mean(found) - 1) < 4 * 0.9 / 20  # of a hypergeometric number, whose deviation is 0.9
    assert abs(np.std(found) - 0.9) < 0.2
