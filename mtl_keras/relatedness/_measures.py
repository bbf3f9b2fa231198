"""Measures of association between two columns, each with a 95 % interval."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mtl_keras._extras import need

_TAILS = (0.975, 0.025)


class Found(NamedTuple):
    """A measure of two columns."""

    value: float
    low: float
    high: float


def spearman(x: np.ndarray, z: np.ndarray) -> Found:
    """Returns the correlation of the ranks, with the interval of Bonett and Wright."""
    rank = _stats().rankdata
    return _correlation(rank(x), rank(z), lambda r: 1 + r**2 / 2)


def pearson(x: np.ndarray, z: np.ndarray) -> Found:
    """Returns the correlation, with Fisher's interval."""
    return _correlation(x, z, lambda r: 1.0)


def cramers_v(x: np.ndarray, z: np.ndarray) -> Found:
    """Returns Cramér's V of class codes, with the interval of a noncentral chi-squared distribution."""
    table = _crosstab(x, z)
    chi2 = float(_stats().chi2_contingency(table, correction=False)[0])
    full, num = len(x) * (min(table.shape) - 1), (table.shape[0] - 1) * (table.shape[1] - 1)
    low, high = _noncentrality(lambda nc: _stats().ncx2.cdf(chi2, num, nc), chi2)
    return Found(*(min(1.0, math.sqrt(value / full)) for value in (chi2, low, high)))


def correlation_ratio(x: np.ndarray, z: np.ndarray) -> Found:
    """Returns the correlation ratio η of numbers z in classes x, with the interval of a noncentral F distribution."""
    codes = np.unique(x, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(codes)
    means = np.bincount(codes, z - z.mean()) / sizes
    between, total = float(sizes @ means**2), float(((z - z.mean()) ** 2).sum())
    ratio, num, den = min(1.0, between / total), len(sizes) - 1, len(z) - len(sizes)
    if den < 1 or ratio > 1 - 1e-12:
        return Found(math.sqrt(ratio), math.nan, math.nan)
    f = ratio / num / ((1 - ratio) / den)
    ends = _noncentrality(lambda nc: _stats().ncf.cdf(f, num, den, nc), f * num)
    return Found(math.sqrt(ratio), *(math.sqrt(end / (end + len(z))) for end in ends))


def mutual_information(x: np.ndarray, z: np.ndarray, classes: tuple[bool, bool]) -> Found:
    """Returns the mutual information in nats: of counts for classes, and by nearest neighbours for numbers.

    Args:
        x, z: The columns.
        classes: For each column, whether it holds class codes.
    """
    if all(classes):
        value = float(need("sklearn.metrics", "relatedness", "`mutual_information`").mutual_info_score(x, z))
        num = (len(np.unique(x)) - 1) * (len(np.unique(z)) - 1)
        g = 2 * len(x) * value  # approximately noncentral chi-squared
        ends = _noncentrality(lambda nc: _stats().ncx2.cdf(g, num, nc), g)
        return Found(value, *(end / (2 * len(x)) for end in ends))
    library = need("sklearn.feature_selection", "relatedness", "`mutual_information`")
    if any(classes):
        x, z = (x, z) if classes[1] else (z, x)
        value = library.mutual_info_classif(x[:, None], z.astype(int), random_state=0)[0]
    else:
        value = library.mutual_info_regression(x[:, None], z, random_state=0)[0]
    return Found(float(value), math.nan, math.nan)


def _correlation(x: np.ndarray, z: np.ndarray, variance: Callable) -> Found:
    """Returns a correlation r with its interval; its arctanh has a variance of about `variance(r) / (n - 3)`."""
    x, z = x - x.mean(), z - z.mean()
    r = float(np.clip((x / np.linalg.norm(x)) @ (z / np.linalg.norm(z)), -1, 1))
    if len(x) < 4 or abs(r) > 1 - 1e-12:
        return Found(r, math.nan, math.nan)
    half = 1.959964 * math.sqrt(variance(r) / (len(x) - 3))
    return Found(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))


def _crosstab(x, z):
    x, z = (np.unique(column, return_inverse=True)[1].reshape(-1) for column in (x, z))
    table = np.zeros((x.max() + 1, z.max() + 1), int)
    np.add.at(table, (x, z), 1)
    return table


def _noncentrality(cdf: Callable, statistic: float) -> list[float]:
    """Returns the 95 % interval of the noncentrality: at its bounds, the statistic has a tail probability of 2.5 %.

    Args:
        cdf: Decreasing function of the noncentrality that returns the probability of a lower statistic.
        statistic: Approximate noncentrality, where the search starts.
    """
    root = need("scipy.optimize", "relatedness", "An interval").brentq
    most = (math.sqrt(max(statistic, 0)) + 6) ** 2 + 10
    ends = []
    for tail in _TAILS:
        if cdf(0.0) <= tail:
            ends.append(0.0)
            continue
        while cdf(most) > tail:
            most *= 2
        ends.append(root(lambda nc, tail=tail: cdf(nc) - tail, 0.0, most))
    return ends


def _stats() -> Any:
    return need("scipy.stats", "relatedness", "`labels`")
