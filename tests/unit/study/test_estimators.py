"""Estimators of scikit-learn: their predictions are evaluated as those of a head."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import NearestCentroid
from sklearn.svm import SVC, LinearSVC

from mtl_keras.study._estimators import _predictions

X = np.random.default_rng(0).normal(size=(60, 3))
QUADRANT, SIGN = 2 * (X[:, 0] > 0) + (X[:, 1] > 0), (X[:, 0] > 0).astype(int)
CLASSIFIERS = [LogisticRegression, HistGradientBoostingClassifier, SVC, LinearSVC, NearestCentroid]


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_the_most_probable_class_is_the_predicted_one(cls):
    estimator = cls().fit(X, QUADRANT)
    found = _predictions(estimator, X, (None, 5))  # the head knows a class without labels
    assert found.shape == (60, 5)
    np.testing.assert_array_equal(found.argmax(axis=1), estimator.predict(X))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert not found[:, 4].any()


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_of_two_classes_it_is_the_probability_of_yes(cls):
    estimator = cls().fit(X, SIGN)
    found = _predictions(estimator, X, (None, 1))
    assert found.shape == (60, 1)
    np.testing.assert_array_equal(found[:, 0] > 0.5, estimator.predict(X) == 1)


def test_scores_keep_their_order():
    estimator = LinearSVC().fit(X, SIGN)
    found = _predictions(estimator, X, (None, 1))[:, 0]
    np.testing.assert_array_equal(np.argsort(found), np.argsort(estimator.decision_function(X)))


def test_labels_of_one_class_alone():
    estimator = HistGradientBoostingClassifier().fit(X, np.ones(60, int))
    np.testing.assert_array_equal(_predictions(estimator, X, (None, 1)), np.ones((60, 1)))


@pytest.mark.parametrize("width", [1, 2])
def test_numbers(width):
    y = X[:, :width]
    estimator = MultiOutputRegressor(LinearRegression()).fit(X, y)
    np.testing.assert_allclose(_predictions(estimator, X, (None, width)), y, atol=1e-5)
