"""MacroF1 against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from mtl_keras.metrics import MacroF1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("column", [False, True])
def test_equals_scikit_learn(weighted, column):
    rng = np.random.default_rng(0)
    metric, labels, predictions, weights = MacroF1(7), [], [], []
    for classes in (2, 4, 6):  # class 6 is never there
        y, p, w = rng.integers(0, classes, 30), rng.uniform(size=(30, classes)), rng.integers(0, 3, 30)
        w = w if weighted else np.ones(30)
        y, w = (y[:, None], w[:, None]) if column else (y, w)
        metric.update_state(y, np.pad(p, ((0, 0), (0, 7 - classes))), sample_weight=w if weighted else None)
        labels, predictions, weights = [*labels, *y.ravel()], [*predictions, *p.argmax(1)], [*weights, *w.ravel()]
        expected = f1_score(labels, predictions, average="macro", sample_weight=weights)
        assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_classes_as_integers_and_missing_labels():
    assert float(MacroF1(3)(np.array([[0, 0], [1, -1]]), np.array([[0, 1], [1, 2]]))) == pytest.approx(2 / 3)


@pytest.mark.parametrize("num_classes", [1, None, 2.0])
def test_bad_num_classes(num_classes):
    with pytest.raises(ValueError, match="`num_classes` must be an integer of at least 2"):
        MacroF1(num_classes)
