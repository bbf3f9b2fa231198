"""The statistics of a comparison, by hand, by simulation, and against other libraries."""

import math

import numpy as np
import pytest
from scipy import special, stats
from statsmodels.stats.multitest import multipletests

from mtl_keras.study._outliers import outliers
from mtl_keras.study._statistics import Gain, correct, gain_of, seeds_needed
from mtl_keras.study._verdict import interval, sentences


def test_interval_by_hand():
    """1, 2, 3: mean 2, sd 1, t(0.975, 2) = 4.302653 from tables, half width 4.302653 / sqrt(3) = 2.484138."""
    gain = gain_of([1.0, 2.0, 3.0])
    assert (gain.mean, gain.sd, gain.seeds) == (2.0, 1.0, 3)
    assert (gain.low, gain.high) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-6)
    assert gain.p == pytest.approx(0.0741799, abs=1e-6)  # 2 (1 - T(2 sqrt(3))) with 2 degrees of freedom


def test_interval_over_seeds_and_rows_by_hand():
    """The error of 1, 2, 3 is 1 / sqrt(3); with 0.5 of the rows it is sqrt(1 / 3 + 1 / 4) = 0.763763."""
    gain = gain_of([1.0, 2.0, 3.0], 0.5)
    assert (gain.low, gain.high) == pytest.approx((2 - 4.302653 * 0.763763, 2 + 4.302653 * 0.763763), abs=1e-5)
    assert gain.p == pytest.approx(2 * stats.t.sf(2 / 0.763763, 2), abs=1e-6)
    assert seeds_needed(gain) > seeds_needed(gain_of([1.0, 2.0, 3.0]))
    assert seeds_needed(gain_of([1.0, 2.0, 3.0], 1.0)) is None  # however many: the rows do not tell


def test_interval_over_seeds_and_rows_has_the_true_gain_inside_in_95_of_100_cases():
    """Ten seeds with effects on 60 test rows of their own variance: the truth is the mean over all rows and seeds."""
    rng, inside = np.random.default_rng(0), 0
    for _ in range(600):
        rows, seeds = rng.normal(0, 1, 60), rng.normal(0, 0.1, 10)
        values = seeds[:, None] + rows + rng.normal(0, 0.3, (10, 60))  # [seeds, rows]
        drawn = rng.integers(60, size=(100, 60))
        gain = gain_of(list(values.mean(axis=1)), float(values.mean(axis=0)[drawn].mean(axis=1).std(ddof=1)))
        inside += gain.low <= 0 <= gain.high
    assert inside / 600 == pytest.approx(0.96, abs=0.02)


def test_equals_the_paired_test_of_two_samples():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 7))
    assert gain_of(list(a - b)).p == pytest.approx(stats.ttest_rel(a, b).pvalue)


def test_holm_by_hand():
    """p = .01, .04, .03 sorted: .01 x 3, max(.03, .03 x 2), max(.06, .04 x 1); NaN takes no part."""
    gains = [gain_of([1.0, 2.0]) for _ in range(4)]
    for gain, p in zip(gains, [0.01, 0.04, 0.03, math.nan], strict=True):
        gain.p = p
    correct(gains)
    assert [gain.corrected for gain in gains[:3]] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(gains[3].corrected)
    assert [gain.told for gain in gains] == ["gains", None, None, None]


def test_holm_equals_statsmodels():
    rng = np.random.default_rng(0)
    gains = [gain_of(list(rng.normal(1, 1, 4))) for _ in range(9)]
    correct(gains)
    expected = multipletests([gain.p for gain in gains], method="holm")[1]
    assert [gain.corrected for gain in gains] == pytest.approx(list(expected))


def test_without_spread_there_is_no_interval():
    assert math.isnan(gain_of([2.0, 2.0, 2.0]).p)
    same = gain_of([0.0, 0.0])
    assert (same.p, same.low, same.high) == (1.0, 0.0, 0.0)
    assert math.isnan(gain_of([2.0]).low)
    assert math.isnan(gain_of([]).mean)


def test_seeds_needed_have_the_power():
    """Of 2,000 simulated comparisons with as many seeds, about 80 % tell the mean from 0; with 2 seeds fewer, less."""
    gain = gain_of([1.0, 2.5, 0.2, 3.0, -0.6])
    seeds = seeds_needed(gain)
    samples = np.random.default_rng(0).normal(gain.mean, gain.sd, (2000, seeds))
    assert (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.82, abs=0.05)
    assert (stats.ttest_1samp(samples[:, :-2], 0, axis=1).pvalue < 0.05).mean() < 0.8
    assert seeds_needed(gain, comparisons=10) > seeds


@pytest.mark.parametrize("comparisons", [1, 39, 1000])
@pytest.mark.parametrize("effect", [0.1, 0.5, 2.0, 4.0])
def test_seeds_needed_are_those_of_the_noncentral_t_distribution(effect, comparisons):
    """The least number with a power of 0.8; where an effect of 4 is nearly certain, other libraries have NaN."""
    gain = Gain(effect, 1.0, 0.0, 0.0, 3, 0.0)

    def power(seeds):
        bound = stats.t.ppf(1 - 0.025 / comparisons, seeds - 1)
        return 1 - special.nctdtr(seeds - 1, effect * seeds**0.5, bound)

    exact = next((seeds for seeds in range(2, 1001) if power(seeds) >= 0.8), None)
    found = seeds_needed(gain, comparisons)
    assert found == exact if exact is None else abs(found - exact) <= 1


def test_no_number_of_seeds_tells_nothing_from_nothing():
    assert seeds_needed(gain_of([1.0, -1.0])) is None
    assert seeds_needed(gain_of([1.0, -0.99, 1.0, -0.99])) is None


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_coverage_of_the_interval(seeds):
    """The 95 % interval of Δm has the true gain in it 95 times of 100, with the mean of the baseline measured, too.

    Three tasks, a baseline of 0.9 with sd 0.01, and a candidate that is better by 1 %, with twice the spread.
    """
    rng, inside = np.random.default_rng(seeds), 0
    for _ in range(2000):
        base, own = rng.normal(0.9, 0.01, (3, seeds)), rng.normal(0.909, 0.02, (3, seeds))
        gain = gain_of(list((100 * (own - base) / base.mean(axis=1, keepdims=True)).mean(axis=0)))
        inside += gain.low <= 1.0 <= gain.high
    assert inside / 2000 == pytest.approx(0.95, abs=0.015)  # three standard errors


@pytest.mark.parametrize("scale", ["normal", "heavy"])
def test_without_a_difference_there_are_no_more_verdicts_than_the_level_allows(scale):
    """Four candidates, three tasks, five seeds, one baseline for all: in how many of 600 comparisons is anything told?

    With a heavy tail, as of runs of which some fail to learn, tests over few seeds are more cautious, not less.
    """
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(600):
        figures = rng.normal(size=(5, 3, 5)) if scale == "normal" else rng.standard_t(2, size=(5, 3, 5))
        gains = [gain_of(list(figures[i, t] - figures[0, t])) for i in range(1, 5) for t in range(3)]
        correct(gains)
        wrong += any(gain.told for gain in gains)
    assert wrong / 600 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 600)


def test_a_real_difference_is_found():
    """2 ± t(0.975, 4) · sd / sqrt(5) = 2 ± 2.776 · 0.3536 / 2.236 = 2 ± 0.439."""
    good, same = [1.5, 2.0, 2.5, 2.0, 2.0], [0.5, -0.5, 0.2, 0.3, -0.4]
    gains = {"good": gain_of(good), "bad": gain_of([-d for d in good]), "same": gain_of(same)}
    correct(list(gains.values()))
    good, bad, same = sentences(gains, "single-task", 3)
    assert good == "good gains 2.0 % [1.6, 2.4]"
    assert bad == "bad loses 2.0 % [1.6, 2.4]"
    assert "same cannot be told apart from single-task with 5 seeds" in same
    assert "seeds would tell" in same


def test_texts():
    gain = gain_of([0.5, 0.7, 0.6])
    assert interval(gain) == "0.6 % [0.4, 0.8]"
    assert interval(gain_of([-0.5, -0.7, -0.6])) == "-0.6 % [-0.8, -0.4]"  # with the hyphen of the table
    assert sentences({"a": gain_of([1.0])}, "b", 1) == [
        "a cannot be told apart from b: one run to compare. Use at least two seeds"
    ]
    many = {f"c{i}": gain_of([0.0, 0.0]) for i in range(5)}
    (line,) = sentences(many, "b", 5)
    assert line.startswith("cannot be told apart from b with 2 seeds: c0 (no difference), c1")


def test_a_mean_that_is_only_rounding_is_0():
    (line,) = sentences({"a": gain_of([0.1, 0.2, -0.3])}, "b", 3)  # 1.9e-17 as computed
    assert line.endswith("; the mean difference is 0")
    (line,) = sentences({"a": gain_of([1e-13, 2e-13, -1e-13])}, "b", 3)  # small, but so is its spread
    assert "would tell 6.7e-14 from 0" in line


def test_a_run_far_outside_is_found():
    """The census-income table: one of three seeds at .80 whose others are at .948, as the head is nearly dead."""
    hard = {"income": {0: 0.8023, 1: 0.9479, 2: 0.9491}}
    mmoe = {"income": {0: 0.9481, 1: 0.9476, 2: 0.9485}}
    found = outliers({"hard": hard, "mmoe": mmoe})
    assert found == {("hard", 0): ["0.8023 on `income` is far from the median 0.9479"]}


def test_the_runs_of_normal_spread_are_not():
    rng = np.random.default_rng(0)
    figures = {f"c{i}": {"t": dict(enumerate(rng.normal(0.9, 0.02, 5)))} for i in range(8)}
    assert outliers(figures) == {}
