"""lasso, against scikit-learn and data with a known answer."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LassoCV
from sklearn.model_selection import KFold

from mtl_keras.relatedness import labels, lasso

RNG = np.random.default_rng(0)
FIRST = RNG.normal(size=300).astype("float32")
SECOND = (FIRST + 0.5 * RNG.normal(size=300)).astype("float32")
THIRD = (SECOND + 0.5 * RNG.normal(size=300)).astype("float32")
CHAIN = {"first": FIRST, "second": SECOND, "third": THIRD}


def test_the_weights_are_those_of_scikit_learn():
    x = np.stack([FIRST, SECOND], axis=1).astype(float)
    y = THIRD.astype(float)
    model = LassoCV(cv=KFold(5, shuffle=True, random_state=0), random_state=0)
    model.fit((x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std())
    matrix = lasso(CHAIN)
    assert [matrix["first", "third"], matrix["second", "third"]] == pytest.approx(model.coef_, abs=1e-6)


def test_a_chain_has_no_weight_from_its_first_to_its_last():
    assert labels(CHAIN)["first", "third"] > 0.6
    matrix = lasso(CHAIN)
    assert abs(matrix["first", "third"]) < 0.1 * matrix["second", "third"]
    assert abs(matrix["third", "first"]) < 0.15 * matrix["second", "first"]


def test_labels_of_two_factors():
    """Numbers, classes and binary labels of two factors: the largest weight is from the label of the same factor."""
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(2, 300))
    noisy = factors[:, None] + 0.4 * rng.normal(size=(2, 2, 300))
    y = {"a": noisy[0, 0], "b": noisy[1, 0] > 0, "c": np.digitize(noisy[0, 1], [-0.6, 0.6]), "d": noisy[1, 1]}
    size = np.abs(lasso(y).values)
    np.testing.assert_array_equal(np.nanargmax(size, axis=0), [2, 3, 0, 1])
    assert lasso(y)["b", "d"] > 0


def test_missing_labels_change_the_rows_alone():
    there = RNG.random(300) < 0.7
    gaps = {**CHAIN, "second": np.where(there, SECOND, np.nan)}
    matrix, kept = lasso(gaps), lasso({task: values[there] for task, values in CHAIN.items()})
    np.testing.assert_allclose(matrix.values, kept.values)
    assert (matrix.rows == there.sum()).all()


def test_what_says_nothing_is_nan_with_a_reason():
    nothing = {"none": np.full(300, np.nan), "same": np.ones(300), "one": np.zeros(300, int)}
    rare = (np.arange(300) < 2).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = lasso({**CHAIN, **nothing, "rare": rare, "tags": np.arange(900).reshape(300, 3) % 3})
    assert matrix["second", "third"] == pytest.approx(lasso({**CHAIN, "rare": rare})["second", "third"])
    assert matrix.reasons["none", "first"] == matrix.reasons["first", "none"] == "none: no label"
    assert matrix.reasons["first", "same"] == "same: one value only"
    assert matrix.reasons["first", "rare"] == "rare: a class with fewer than 5 rows"
    assert matrix.reasons["tags", "first"] == "tags: a sequence"
    assert np.isfinite(matrix["rare", "first"])
    assert (matrix.rows == 300).all()


def test_without_rows_with_all_labels():
    half = np.arange(300) % 2 == 0
    y = {"first": np.where(half, FIRST, np.nan), "second": np.where(half, np.nan, SECOND)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = lasso(y)
    assert np.isnan(matrix.values).all()
    assert "one value only on the rows with all labels" in matrix.reasons["first", "second"]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`folds` must be an integer of at least 2"):
        lasso(CHAIN, folds=1)
