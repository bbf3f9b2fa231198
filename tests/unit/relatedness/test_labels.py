"""labels, against scipy, scikit-learn and numbers by hand."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import mutual_info_score

from mtl_keras.relatedness import _measures, labels

RNG = np.random.default_rng(0)
FACTORS = RNG.normal(size=(2, 400))
NUMBERS = (FACTORS[0] + 0.5 * RNG.normal(size=400)).astype("float32")
OTHER = (FACTORS[0] + RNG.normal(size=400)).astype("float32")
CLASSES = np.digitize(FACTORS[0] + 0.5 * RNG.normal(size=400), [-0.7, 0.7])
MORE = np.digitize(FACTORS[1] + FACTORS[0], [-1, 0, 1])
BINARY = FACTORS[1] > 0


def test_pearson_is_scipys():
    matrix = labels({"a": NUMBERS, "b": OTHER}, "pearson")
    expected = stats.pearsonr(NUMBERS.astype(float), OTHER.astype(float))
    assert matrix["a", "b"] == pytest.approx(expected.statistic, abs=1e-9)
    interval = expected.confidence_interval()
    assert (matrix.low[0, 1], matrix.high[0, 1]) == pytest.approx(tuple(interval), abs=1e-6)


def test_spearman_is_scipys():
    ranks = np.round(OTHER)  # with ties
    matrix = labels({"a": NUMBERS, "b": ranks}, "spearman")
    assert matrix["a", "b"] == pytest.approx(stats.spearmanr(NUMBERS, ranks).statistic, abs=1e-9)


def test_the_interval_of_spearman_by_hand():
    """r of 1, 2, 3, 4, 5 and 2, 1, 4, 3, 5 is 1 - 6·4/120 = 0.8; se = sqrt(1.32 / 2), atanh(0.8) = 1.0986123."""
    found = _measures.spearman(np.arange(5.0), np.array([2.0, 1.0, 4.0, 3.0, 5.0]))
    half = 1.959964 * np.sqrt(0.66)
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((np.tanh(1.0986123 - half), np.tanh(1.0986123 + half)), abs=1e-6)


def test_cramers_v_is_scipys():
    table = stats.contingency.crosstab(CLASSES, MORE).count
    assert labels({"a": CLASSES, "b": MORE})["a", "b"] == pytest.approx(stats.contingency.association(table))


def test_the_correlation_ratio_is_of_an_analysis_of_variance():
    """η² = F·(c - 1) / (F·(c - 1) + n - c)."""
    f = stats.f_oneway(*(NUMBERS[c == CLASSES].astype(float) for c in range(3))).statistic
    expected = np.sqrt(2 * f / (2 * f + 397))
    matrix = labels({"a": NUMBERS, "b": CLASSES})
    assert matrix["a", "b"] == matrix["b", "a"] == pytest.approx(expected, abs=1e-6)
    assert matrix.low[0, 1] < expected < matrix.high[0, 1]


def test_mutual_information_is_scikit_learns():
    y = {"a": NUMBERS, "b": OTHER, "c": CLASSES, "d": MORE}
    matrix = labels(y, "mutual_information")
    a, b = NUMBERS.astype(float)[:, None], OTHER.astype(float)
    assert matrix["c", "d"] == pytest.approx(mutual_info_score(CLASSES, MORE))
    assert matrix["a", "b"] == pytest.approx(mutual_info_regression(a, b, random_state=0)[0])
    assert matrix["c", "a"] == pytest.approx(mutual_info_classif(a, CLASSES, random_state=0)[0])


@pytest.mark.parametrize("measure", ["auto", "mutual_information"])
def test_intervals_of_classes_hold_what_is_true(measure):
    """Of 300 samples of 200 pairs, about 95 % of the intervals hold the value of the table that they are drawn from."""
    table = np.array([[0.2, 0.05, 0.05], [0.05, 0.15, 0.1], [0.1, 0.1, 0.2]])
    independent = np.outer(table.sum(1), table.sum(0))
    truth = {
        "auto": np.sqrt(((table - independent) ** 2 / independent).sum() / 2),
        "mutual_information": (table * np.log(table / independent)).sum(),
    }[measure]
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        a, b = np.divmod(rng.choice(9, 200, p=table.ravel()), 3)
        found = _measures.cramers_v(a, b) if measure == "auto" else _measures.mutual_information(a, b, (True, True))
        hits += found.low <= truth <= found.high
    assert 0.92 < hits / 300 < 0.985


def test_the_interval_of_the_correlation_ratio_holds_what_is_true():
    """Three equal classes with means -1, 0, 1 and variance 4: η² = (2/3) / (2/3 + 4) = 1/7."""
    rng, hits, classes = np.random.default_rng(1), 0, np.arange(150) % 3
    for _ in range(300):
        found = _measures.correlation_ratio(classes, classes - 1 + 2 * rng.normal(size=150))
        hits += found.low <= np.sqrt(1 / 7) <= found.high
    assert 0.92 < hits / 300 < 0.985


@pytest.mark.parametrize("num_rows", [10, 10**6])
def test_intervals_of_few_and_of_many_rows(num_rows):
    rng = np.random.default_rng(0)
    a = np.arange(num_rows) % 3
    b = np.where(rng.random(num_rows) < 0.5, a, rng.integers(0, 3, num_rows))
    z = a + rng.normal(size=num_rows)
    for found in (_measures.cramers_v(a, b), _measures.correlation_ratio(a, z)):
        assert 0 <= found.low < found.high <= 1


def test_common_factors():
    """Two labels of each of two factors, of four kinds: the pairs of a factor come first."""
    noise = np.random.default_rng(2).normal(size=(4, 400))
    y = {
        "number": FACTORS[0] + 0.5 * noise[0],
        "binary": FACTORS[0] + 0.5 * noise[1] > 0,
        "classes": np.digitize(FACTORS[1] + 0.5 * noise[2], [-0.5, 0.5]),
        "count": np.round(np.exp(FACTORS[1] + 0.5 * noise[3])).astype(int),
    }
    for measure in ("auto", "mutual_information"):
        matrix = labels(y, measure, kinds={"count": "numbers"})
        within = [matrix["number", "binary"], matrix["classes", "count"]]
        across = [matrix[a, b] for a in ("number", "binary") for b in ("classes", "count")]
        assert min(within) > 3 * max(map(abs, across))
    assert [line.split("   ")[0].strip() for line in labels(y).table().splitlines()[1:3]] == [
        "number – binary",
        "classes – count",
    ]


def test_missing_labels_change_the_rows_alone():
    there = np.random.default_rng(3).random(400) < 0.6
    gaps = {"a": np.where(there, NUMBERS, np.nan), "b": OTHER, "c": np.where(there, CLASSES, -1)}
    matrix = labels(gaps)
    kept = labels({"a": NUMBERS[there], "b": OTHER[there], "c": CLASSES[there]})
    np.testing.assert_allclose(matrix.values, kept.values)
    np.testing.assert_allclose(matrix.low, kept.low)
    np.testing.assert_array_equal(matrix.rows, np.where(np.eye(3) * [0, 1, 0], 400, there.sum()))


@pytest.mark.parametrize("measure", ["auto", "pearson", "mutual_information"])
def test_what_says_nothing_is_nan_with_a_reason(measure):
    nan = np.full(400, np.nan)
    y = {"a": NUMBERS, "none": nan, "same": np.ones(400), "one": np.zeros(400, int), "odd": np.arange(400) % 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = labels(y, measure)
    assert np.isnan([matrix["a", task] for task in ("none", "same", "one")]).all()
    assert np.isfinite(matrix["a", "odd"])
    assert matrix.reasons["a", "none"] == "no row has both labels"
    assert matrix.reasons["a", "same"] == "one value only on these rows (same)"
    assert matrix.reasons["same", "one"] == "one value only on these rows (same, one)"
    assert set(matrix.reasons) >= {(task, task) for task in ("none", "same", "one")}
    assert "one value only on these rows (one)" in matrix.table()
    assert "nan" not in matrix.table()


def test_a_measure_that_does_not_suit():
    matrix = labels({"a": NUMBERS, "c": CLASSES, "d": BINARY}, "pearson")
    assert matrix.reasons["a", "c"] == "pearson is not for classes (c)"
    assert matrix["a", "d"] == pytest.approx(stats.pointbiserialr(BINARY, NUMBERS.astype(float)).statistic)
    assert labels({"a": NUMBERS, "c": CLASSES}, "cramers_v").reasons["a", "c"] == "cramers_v is not for numbers (a)"


def test_several_values_a_row():
    """The root mean square over the pairs of columns."""
    marks = np.stack([BINARY, MORE > 1], axis=1).astype(int)
    single = [stats.spearmanr(NUMBERS, column).statistic for column in marks.T]
    matrix = labels({"a": NUMBERS, "marks": marks})
    assert matrix["a", "marks"] == pytest.approx(np.sqrt(np.mean(np.square(single))), abs=1e-9)
    assert np.isnan(matrix.low[0, 1])


def test_tags_are_compared_by_position():
    tags = np.array([[0, 1, 2], [2, 1, -1], [1, 0, 0]])
    words = np.array([[0, 2, 2], [1, 1, -1], [1, 0, 2]])
    intent = np.array(["b", "a", "c"])
    matrix = labels({"tags": tags, "words": words, "intent": intent, "short": tags[:, :2]})
    known = tags >= 0
    repeated = np.repeat([1, 0, 2], [3, 2, 3])
    for other, task in ((words[known], "words"), (repeated, "intent")):
        expected = stats.contingency.association(stats.contingency.crosstab(tags[known], other).count)
        assert matrix["tags", task] == pytest.approx(expected)
    assert matrix.rows[0, 1] == 8
    assert matrix.reasons["tags", "short"] == "sequences of different lengths"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"measure": "kendall"}, "`measure` must be one of"),
        ({"kinds": {"x": "numbers"}}, "`kinds` has unknown keys"),
        ({"kinds": {"a": "binary"}}, "cannot be 'binary': the labels have"),
        ({"kinds": {"a": "tags"}}, r"`kinds\['a'\]` must be one of"),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        labels({"a": NUMBERS, "b": OTHER}, **arguments)
