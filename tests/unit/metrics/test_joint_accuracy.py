"""joint_accuracy, on rows worked out by hand."""

import math

import numpy as np
import pytest

from mtl_keras.metrics import joint_accuracy

INTENT = np.array([0, 1, 2, -1, -1])
SLOTS = np.array([[1, 2, -1], [0, 0, 1], [1, 1, 1], [2, -1, -1], [-1, -1, -1]])
LABELS = {"intent": INTENT, "slots": SLOTS}
PREDICTIONS = {
    "intent": np.eye(3)[[0, 0, 2, 1, 1]],  # right, wrong, right, missing, missing
    "slots": np.array([[1, 2, 2], [0, 0, 1], [1, 1, 0], [2, 0, 0], [1, 1, 1]]),  # right, right, wrong, right, missing
}


def test_every_task_must_be_right():
    assert joint_accuracy(LABELS, PREDICTIONS) == 2 / 4
    assert joint_accuracy({"intent": INTENT}, PREDICTIONS) == 2 / 3
    assert joint_accuracy({"slots": SLOTS}, PREDICTIONS) == 3 / 4


def test_probabilities_of_tags_and_labels_in_a_column():
    predictions = {**PREDICTIONS, "slots": np.eye(3)[PREDICTIONS["slots"]]}
    assert joint_accuracy({"intent": INTENT[:, None], "slots": SLOTS}, predictions) == 2 / 4


def test_yes_or_no():
    labels = {"a": np.array([1, 0, 1]), "b": np.array([[1, 0], [1, -1], [0, 0]])}
    predictions = {"a": np.array([[0.9], [0.2], [0.4]]), "b": np.array([[0.9, 0.1], [0.2, 0.9], [0.1, 0.1]])}
    assert joint_accuracy(labels, predictions) == pytest.approx(1 / 3)
    assert joint_accuracy({"a": labels["a"]}, predictions, threshold=0.3) == 1.0


def test_no_label_at_all():
    assert math.isnan(joint_accuracy({"a": np.array([-1, -1])}, {"a": np.array([[0.5], [0.5]])}))


@pytest.mark.parametrize("labels", [{}, {"a": np.array([1]), "b": np.array([1])}])
def test_a_task_without_predictions(labels):
    with pytest.raises(ValueError, match=r"`predictions` must have the tasks \[.*\]. Received: \['a'\]"):
        joint_accuracy(labels, {"a": np.array([1])})


def test_shapes_that_do_not_suit():
    with pytest.raises(
        ValueError, match=r"`predictions\['a'\]` must suit the labels. Received: labels of shape \(2, 3\)"
    ):
        joint_accuracy({"a": np.zeros((2, 3), int)}, {"a": np.zeros((2, 4), int)})
