"""Differences over seeds: intervals, p-values, and the number of seeds that would show a difference from 0."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from mtl_keras._extras import need

LEVEL = 0.05
POWER = 0.8
MOST_SEEDS = 1000
_PURPOSE = "`mtl_keras.study`"


@dataclasses.dataclass
class Gain:
    """A mean gain over the seeds, in per cent of the baseline.

    Attributes:
        mean, sd: Mean and standard deviation of the paired differences.
        low, high: The bounds of the 95 % interval by Student's t; NaN with fewer than two seeds or without spread.
        seeds: Number of pairs.
        p: The p-value of the paired t-test; NaN if the interval is NaN.
        corrected: The p-value after Holm's correction over the comparisons of its family.
        of_rows: Standard error of the mean due to the choice of the test rows; 0 if it is unknown.
    """

    mean: float
    sd: float
    low: float
    high: float
    seeds: int
    p: float
    corrected: float = math.nan
    of_rows: float = 0.0

    @property
    def told(self) -> str | None:
        """`"gains"` or `"loses"` if the mean differs from 0 by the corrected test, else None."""
        if not self.corrected < LEVEL:
            return None
        return "gains" if self.mean > 0 else "loses"


def gain_of(differences: Sequence[float], of_rows: float = 0.0) -> Gain:
    """Returns the `Gain` of paired differences, one per seed.

    Seeds and test rows are two levels: the variance of the mean is the variance over the seeds, divided by their
    number, plus the variance over bootstrap resamples of the rows. With a few seeds, a bootstrap of the seeds would be
    too narrow; Student's t is not.

    If all differences are equal, for example for a task that every seed solves, there is no spread and no interval. If
    they are all 0, the p-value is 1.

    Args:
        differences: The differences.
        of_rows: Standard deviation of their mean over resamples of the test rows.
    """
    special = need("scipy.special", "study", _PURPOSE)
    values = np.asarray([value for value in differences if math.isfinite(value)], float)
    if len(values) < 2:
        mean = float(values.mean()) if len(values) else math.nan
        return Gain(mean, math.nan, math.nan, math.nan, len(values), math.nan)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    if math.hypot(sd, of_rows) <= 1e-12 * max(1.0, abs(mean)):
        same = abs(mean) <= 1e-12
        bound = 0.0 if same else math.nan
        return Gain(mean, sd, bound, bound, len(values), 1.0 if same else math.nan)
    freedom, error = len(values) - 1, math.hypot(sd / math.sqrt(len(values)), of_rows)
    half = error * float(special.stdtrit(freedom, 1 - LEVEL / 2))
    p = 2 * float(special.stdtr(freedom, -abs(mean) / error))
    return Gain(mean, sd, mean - half, mean + half, len(values), p, of_rows=of_rows)


def correct(gains: Sequence[Gain]) -> None:
    """Sets `corrected` of the gains of one family: Holm's step-down correction over all gains with a p-value."""
    tested = sorted((gain for gain in gains if not math.isnan(gain.p)), key=lambda gain: gain.p)
    highest = 0.0
    for i, gain in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - i) * gain.p))
        gain.corrected = highest


def seeds_needed(gain: Gain, comparisons: int = 1) -> int | None:
    """Returns how many seeds tell the observed mean from 0 with probability 0.8; None if `MOST_SEEDS` are too few.

    Args:
        gain: The gain.
        comparisons: Number of comparisons in its family; the level is divided by it.
    """
    if not gain.sd > 0 or gain.mean == 0:
        return None
    alpha = LEVEL / comparisons

    def enough(seeds):
        error = math.hypot(gain.sd / math.sqrt(seeds), gain.of_rows)
        return _power(abs(gain.mean) / error, seeds - 1, alpha) >= POWER

    low, high = 1, 2  # `low` seeds are too few
    while not enough(high):
        low, high = high, 2 * high
        if low >= MOST_SEEDS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high if high <= MOST_SEEDS else None


def _power(noncentrality: float, freedom: int, alpha: float) -> float:
    """Returns the probability that a two-sided t-test tells a mean from 0.

    It uses Johnson and Welch's normal approximation of the noncentral t-distribution, which gives the number of seeds
    to within one. SciPy's distribution itself returns NaN for large arguments and near certainty.
    """
    special = need("scipy.special", "study", _PURPOSE)
    bound = float(special.stdtrit(freedom, 1 - alpha / 2))
    scale = math.sqrt(1 + bound**2 / (2 * freedom))
    return float(special.ndtr((noncentrality - bound * (1 - 1 / (4 * freedom))) / scale))
