"""Labels of a grid, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import encode_boxes

EMPTY = [0, 0, 0, 0, 0, -1]
BOXES = np.array([[[0.0, 0.5, 0.5, 1.0], [0.25, 0.0, 0.75, 0.5], [0.0, 0.0, 0.0, 0.0]]], "float32")
CLASSES = np.array([[7, 2, -1]])
# The centres (0.25, 0.75) and (0.5, 0.25); a centre on a border belongs to the cell below or to the right of it.
LABELS = [[[EMPTY, [0, 0.5, 0.5, 1, 1, 7]], [[0.25, 0, 0.75, 0.5, 1, 2], EMPTY]]]


def test_by_hand():
    labels = encode_boxes(BOXES, CLASSES, 2)
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == "float32"
    np.testing.assert_array_equal(encode_boxes(BOXES, CLASSES, (2, 2), num_classes=8), LABELS)


def test_a_single_image():
    np.testing.assert_array_equal(encode_boxes(BOXES[0], CLASSES[0], 2), LABELS[0])


def test_rows_and_columns():
    labels = encode_boxes(BOXES, CLASSES, (1, 3)).numpy()
    assert labels.shape == (1, 1, 3, 6)
    np.testing.assert_array_equal(labels[0, 0, :, 5], [2, -1, 7])


def test_a_centre_on_the_far_border_belongs_to_the_last_cell():
    """Which takes a box of next to no size."""
    box = [[[1 - 1e-7, 1 - 1e-7, 1.0, 1.0]]]
    np.testing.assert_array_equal(encode_boxes(box, [[0]], 3)[0, :, :, 4], np.diag([0, 0, 1]))


def test_of_two_in_a_cell_the_first_is_kept():
    boxes = np.array([[[0, 0, 0.4, 0.4], [0, 0, 0.2, 0.2], [0.1, 0.1, 0.5, 0.5]]])
    for order in ([0, 1, 2], [2, 1, 0]):
        labels = encode_boxes(boxes[:, order], np.array([[0, 1, 2]])[:, order], 2).numpy()
        assert labels[..., 4].sum() == 1
        np.testing.assert_allclose(labels[0, 0, 0], [*boxes[0, order[0]], 1, order[0]], rtol=1e-6)
    padded_first = encode_boxes(boxes, np.array([[-1, 1, 2]]), 2)
    np.testing.assert_array_equal(padded_first[0, 0, 0, 5], 1)


def test_images_without_boxes():
    np.testing.assert_array_equal(encode_boxes(np.zeros((1, 0, 4)), np.zeros((1, 0)), 2), [[[EMPTY] * 2] * 2])
    np.testing.assert_array_equal(encode_boxes(np.zeros((1, 3, 4)), -np.ones((1, 3)), 1), [[[EMPTY]]])


def test_ragged():
    boxes = tf.ragged.constant([BOXES[0, :2].tolist(), []], ragged_rank=1, inner_shape=(4,))
    labels = encode_boxes(boxes, tf.ragged.constant([[7, 2], []], dtype=tf.int64), 2)
    np.testing.assert_array_equal(labels, [*LABELS, [[EMPTY] * 2] * 2])


def test_in_a_pipeline():
    dataset = tf.data.Dataset.from_tensor_slices((BOXES, CLASSES)).repeat(3)
    images = dataset.map(lambda boxes, classes: encode_boxes(boxes, classes, 2, num_classes=8))
    assert images.element_spec.shape == (2, 2, 6)
    batches = dataset.batch(2).map(lambda boxes, classes: encode_boxes(boxes, classes, 2))
    assert batches.element_spec.shape == (None, 2, 2, 6)
    np.testing.assert_array_equal(np.concatenate(list(batches)), LABELS * 3)
    np.testing.assert_array_equal(np.stack(list(images)), LABELS * 3)


@pytest.mark.parametrize(
    "box", [[0, 0, 20, 20], [0.5, 0, 0.25, 1], [0, 0.5, 1, 0.5], [-0.1, 0, 1, 1], [np.nan, 0, 1, 1]]
)
def test_bad_boxes(box):
    with pytest.raises(ValueError, match=r"`boxes` must be y_min, x_min, y_max, x_max relative .* Received: \["):
        encode_boxes(np.array([[[0, 0, 1, 1], box]]), [[0, 0]], 2)
    encode_boxes(np.array([[[0, 0, 1, 1], box]]), [[0, -1]], 2)  # padding may hold anything


def test_bad_boxes_in_a_pipeline():
    dataset = tf.data.Dataset.from_tensors((32 * BOXES, CLASSES)).map(lambda b, c: encode_boxes(b, c, 2))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Divide pixels by height"):
        list(dataset)


@pytest.mark.parametrize("label", [8, -2])
def test_bad_classes(label):
    error = rf"`classes` must be integers from 0 to 7, and -1 for padding.* Received: {label}"
    with pytest.raises(ValueError, match=error):
        encode_boxes(BOXES, [[7, label, -1]], 2, num_classes=8)


@pytest.mark.parametrize("grid", [0, True, "2", None, (2,), (2, 2, 2), (2, 0), (2.0, 2), (2, float("nan"))])
def test_bad_grid(grid):
    with pytest.raises(ValueError, match=r"`grid` must be .*integer.*Received: grid=.*height and width"):
        encode_boxes(BOXES, CLASSES, grid)


@pytest.mark.parametrize("num_classes", [0, True, 2.5])
def test_bad_num_classes(num_classes):
    with pytest.raises(ValueError, match=r"`num_classes` must be an integer of at least 1\. Received: num_classes="):
        encode_boxes(BOXES, CLASSES, 2, num_classes)


def test_a_grid_of_numpy_numbers():
    expected = encode_boxes(BOXES, CLASSES, (2, 2))
    for grid in (np.int64(2), np.array([2, 2])):
        np.testing.assert_array_equal(encode_boxes(BOXES, CLASSES, grid), expected)


@pytest.mark.parametrize(("boxes", "classes"), [((1, 3, 5), (1, 3)), ((1, 3, 4), (1, 2)), ((4,), ())])
def test_bad_shapes(boxes, classes):
    with pytest.raises(ValueError, match=r"`boxes` must be of shape \[..., N, 4\] and `classes` of shape \[..., N\]"):
        encode_boxes(np.zeros(boxes), np.zeros(classes), 2)
