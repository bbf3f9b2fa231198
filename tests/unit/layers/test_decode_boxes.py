"""Boxes from cells: what was encoded comes back, and TensorFlow's suppression finds the same."""

import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.layers import DecodeBoxes
from mtl_keras.linalg.boxes import from_cells, to_cells


def sure(labels, num_classes):
    """Returns a raw output that says what labels of a grid say."""
    share = np.clip(to_cells(labels[..., :4]), 1e-6, 1 - 1e-6)
    there, label = labels[..., 4:5].numpy(), labels[..., 5:].numpy()
    classes = np.where(label == np.arange(num_classes), 20.0, -20.0)
    return np.concatenate([np.log(share / (1 - share)), 40 * there - 20, classes], axis=-1).astype("float32")


def test_what_was_encoded_comes_back():
    boxes = np.array([[[0.0, 0.0, 0.3, 0.2], [0.5, 0.6, 1.0, 0.9], [0.1, 0.7, 0.2, 1.0]], np.zeros((3, 4))], "float32")
    classes = np.array([[2, 0, 1], [-1, -1, -1]])
    rows = DecodeBoxes(max_boxes=5)(sure(mtl.data.encode_boxes(boxes, classes, (4, 3)), 3)).numpy()
    assert (rows[..., 4] > 0).sum(axis=1).tolist() == [3, 0]
    order = np.argsort(-rows[0, :3, 5])
    np.testing.assert_allclose(rows[0, order, :4], boxes[0][[0, 2, 1]], atol=1e-5)
    np.testing.assert_allclose(rows[0, order, 4:], [[1, 2], [1, 1], [1, 0]], atol=1e-6)
    np.testing.assert_array_equal(rows[0, 3:], [[0, 0, 0, 0, 0, -1]] * 2)
    np.testing.assert_array_equal(rows[1], [[0, 0, 0, 0, 0, -1]] * 5)


def test_equals_the_suppression_of_tensorflow():
    cells = np.random.default_rng(0).normal(size=(4, 3, 5, 9)).astype("float32")
    boxes = tf.reshape(from_cells(tf.sigmoid(cells[..., :4])), (4, 15, 1, 4))
    scores = tf.reshape(tf.sigmoid(cells[..., 4:5]) * tf.nn.softmax(cells[..., 5:]), (4, 15, 4))
    theirs = tf.image.combined_non_max_suppression(boxes, scores, 8, 8, 0.4, 0.3)
    rows = DecodeBoxes(8, score_threshold=0.3, iou_threshold=0.4)(cells).numpy()
    counts = (rows[..., 4] > 0).sum(axis=1)
    np.testing.assert_array_equal(counts, theirs.valid_detections)
    assert sorted(counts) == [2, 4, 5, 8]
    np.testing.assert_allclose(rows[..., :4], theirs.nmsed_boxes, atol=1e-6)
    np.testing.assert_allclose(rows[..., 4], theirs.nmsed_scores, atol=1e-6)
    there = rows[..., 4] > 0
    np.testing.assert_array_equal(rows[there][:, 5], theirs.nmsed_classes.numpy()[there])


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_boxes", 0),
        ("max_boxes", 2.5),
        ("score_threshold", -0.1),
        ("score_threshold", 1.0),
        ("iou_threshold", 1.1),
        ("iou_threshold", -1),
    ],
)
def test_bad_arguments(argument, value):
    with pytest.raises(ValueError, match=rf"`{argument}` must be .* Received: {argument}={value}"):
        DecodeBoxes(**{argument: value})


@pytest.mark.parametrize("shape", [(1, 2, 2, 5), (1, 4, 8)])
def test_input_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"`cells` must be of shape \[B, S, S', 5 \+ num_classes\]. Received: \(1, "):
        DecodeBoxes()(np.zeros(shape, "float32"))
