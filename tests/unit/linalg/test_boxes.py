"""Boxes: overlaps and cells by hand, suppression against a plain loop and TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.linalg import boxes as of_boxes

pytestmark = pytest.mark.graph


def random_boxes(rng, *shape):
    corners = np.sort(rng.uniform(size=(*shape, 2, 2)), axis=-2)
    return corners.reshape(*shape, 4).astype("float32")


def test_overlaps_by_hand():
    boxes = np.array([[0, 0, 2, 2], [0, 0, 1, 1], [1, 1, 1, 3]], "float32") / 4
    others = np.array([[1, 1, 3, 3], [0, 0, 2, 2], [0, 0, 0, 0]], "float32") / 4
    expected = [[1 / 7, 1, 0], [0, 1 / 4, 0], [0, 0, 0]]
    np.testing.assert_allclose(of_boxes.overlaps(boxes, others), expected, atol=1e-6)


def test_boxes_in_cells_by_hand():
    """Of a grid of one row and two columns."""
    boxes = np.array([[[[0.25, 0.125, 0.75, 0.375], [0.0, 0.5, 0.25, 1.0]]]], "float32")
    cells = np.array([[[[0.5, 0.5, np.sqrt(0.5), 0.5], [0.125, 0.5, 0.5, np.sqrt(0.5)]]]])
    np.testing.assert_allclose(of_boxes.to_cells(boxes), cells, atol=1e-6)
    np.testing.assert_allclose(of_boxes.from_cells(cells.astype("float32")), boxes, atol=1e-6)


def test_boxes_end_at_the_border():
    cells = np.array([[[[0.0, 1.0, 1.0, 1.0]]]], "float32")
    np.testing.assert_allclose(of_boxes.from_cells(cells), [[[[0.0, 0.5, 0.5, 1.0]]]])


def greedy(boxes, scores, max_boxes, score_threshold, iou_threshold):
    """Non-maximum suppression of an image as it is told, on candidates (box, class)."""
    rest = [(n, c) for n, c in np.ndindex(*scores.shape) if scores[n, c] > score_threshold]
    rest.sort(key=lambda candidate: -scores[candidate])
    kept = []
    while rest and len(kept) < max_boxes:
        n, c = rest.pop(0)
        kept.append((n, c))
        rest = [(m, d) for m, d in rest if d != c or iou(boxes[n], boxes[m]) <= iou_threshold]
    return kept + [(-1, -1)] * (max_boxes - len(kept))


def iou(one, two):
    height, width = np.minimum(one[2:], two[2:]) - np.maximum(one[:2], two[:2])
    common = max(height, 0) * max(width, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return common / (sum(areas) - common)


@pytest.fixture(scope="module")
def candidates():
    rng = np.random.default_rng(0)
    return random_boxes(rng, 5, 12), rng.permutation(5 * 12 * 3).reshape(5, 12, 3).astype("float32") / 180


@pytest.mark.parametrize("arguments", [(4, 0.2, 0.3), (40, 0.5, 0.0), (9, 0.999, 0.5)])
def test_suppression_equals_a_plain_loop(candidates, arguments):
    boxes, scores = candidates
    expected = [greedy(b, s, *arguments) for b, s in zip(boxes, scores, strict=True)]
    np.testing.assert_array_equal(of_boxes.suppress(boxes, scores, *arguments), expected)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_suppression_equals_tensorflow(candidates, jit_compile):
    boxes, scores = candidates
    theirs = tf.image.combined_non_max_suppression(boxes[:, :, None], scores, 12, 12, 0.3, 0.1)

    @tf.function(jit_compile=jit_compile)
    def kept(boxes, scores):
        return of_boxes.suppress(boxes, scores, 12, 0.1, 0.3)

    ours = kept(tf.constant(boxes), tf.constant(scores)).numpy()
    there = np.arange(12) < theirs.valid_detections.numpy()[:, None]
    np.testing.assert_array_equal(ours[..., 0] >= 0, there)
    np.testing.assert_array_equal(ours[there][:, 1], theirs.nmsed_classes.numpy()[there])
    found = np.take_along_axis(boxes, ours[..., :1], axis=1)
    np.testing.assert_array_equal(found[there], theirs.nmsed_boxes.numpy()[there])
