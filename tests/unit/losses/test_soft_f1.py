"""SoftF1: by hand, and equal to scikit-learn's F1 where the probabilities are 0 and 1."""

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score

from mtl_keras.losses import SoftF1


def test_values_worked_out_by_hand():
    # tp, fp, fn of two labels: 0.8 + 0.5, 0.4, 0.2 + 0.5; and 0.5, 0.1 + 0.2, 0.5
    labels, p = np.array([[1, 0], [0, 0], [1, 1]]), np.array([[0.8, 0.1], [0.4, 0.2], [0.5, 0.5]])
    scores = [2.6 / (2.6 + 0.4 + 0.7), 1.0 / (1.0 + 0.3 + 0.5)]
    assert float(SoftF1()(labels, p)) == pytest.approx(1 - np.mean(scores), rel=1e-5)
    assert float(SoftF1("micro")(labels, p)) == pytest.approx(1 - 3.6 / (3.6 + 0.7 + 1.2), rel=1e-5)
    # without the first label of the last row and the second of the first: an entry at a time
    there = np.array([[1, 0], [1, 1], [0, 1]])
    scores = [1.6 / (1.6 + 0.4 + 0.2), 1.0 / (1.0 + 0.2 + 0.5)]
    assert float(SoftF1()(labels, p, there)) == pytest.approx(1 - np.mean(scores), rel=1e-5)


@pytest.mark.parametrize("average", ["macro", "micro"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_equals_scikit_learn_on_decisions(average, kind):
    rng = np.random.default_rng(0)
    if kind == "multiclass":
        labels, decided = rng.integers(0, 4, (2, 50))
        expected, p = f1_score(labels, decided, average=average), np.eye(4)[decided]
    else:
        labels, decided = rng.integers(0, 2, (2, 50, 1 if kind == "binary" else 3))
        average_of = "binary" if kind == "binary" else average
        expected, p = f1_score(labels, decided, average=average_of), decided.astype("float64")
    assert float(SoftF1(average)(labels, p)) == pytest.approx(1 - expected, rel=1e-5)


def test_a_class_that_the_labels_lack_is_left_out():
    assert float(SoftF1()(np.array([0, 0]), np.array([[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]]))) == pytest.approx(1 / 3)


def test_sequences():
    labels, p = np.array([[0, 1], [1, 0]]), np.random.default_rng(0).dirichlet([1, 1], (2, 2))
    there = np.array([[1, 1], [1, 0]])
    flat = SoftF1()(labels.ravel()[:3], p.reshape(4, 2)[:3])
    assert float(SoftF1()(labels, p, there)) == pytest.approx(float(flat), rel=1e-6)


@pytest.mark.parametrize("average", ["weighted", None])
def test_bad_average(average):
    with pytest.raises(ValueError, match=f"`average` must be one of 'macro', 'micro'. Received: average={average!r}"):
        SoftF1(average)
    copy = keras.losses.deserialize(keras.losses.serialize(SoftF1("micro")))
    assert copy.average == "micro"
