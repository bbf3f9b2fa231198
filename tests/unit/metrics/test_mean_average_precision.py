"""Mean average precision: by hand, against pycocotools, and binned against exact."""

import contextlib
import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.metrics import MeanAveragePrecision, mean_average_precision

A, B, FAR = [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0], [0.1, 0.6, 0.2, 0.7]
HALF = [0.0, 0.0, 0.5, 0.25]  # half of A


def padded(images, rows, width):
    """Returns images' lists of rows as an array, with padding of class -1."""
    empty = [0.0] * (width - 1) + [-1.0]
    return np.array([image + [empty] * (rows - len(image)) for image in images], "float32")


CASES = {  # labels, predictions, iou, the value by hand
    "all found": ([[[*A, 0], [*B, 1]]], [[[*A, 0.9, 0], [*B, 0.8, 1]]], 0.5, 1.0),
    "one of two": ([[[*A, 0], [*B, 0]]], [[[*A, 0.9, 0], [*FAR, 0.8, 0]]], 0.5, 51 / 101),
    "a wrong one first": ([[[*A, 0]]], [[[*FAR, 0.9, 0], [*A, 0.8, 0]]], 0.5, 1 / 2),
    "found twice": ([[[*A, 0], [*B, 0]]], [[[*A, 0.9, 0], [*A, 0.8, 0], [*B, 0.7, 0]]], 0.5, (51 + 50 * 2 / 3) / 101),
    "of another class": ([[[*A, 0]]], [[[*A, 0.9, 1]]], 0.5, 0.0),
    "in another image": ([[[*A, 0]], []], [[], [[*A, 0.9, 0]]], 0.5, 0.0),
    "at the threshold": ([[[*A, 0]]], [[[*HALF, 0.9, 0]]], 0.5, 1.0),
    "below the threshold": ([[[*A, 0]]], [[[*HALF, 0.9, 0]]], 0.55, 0.0),
    "mean over thresholds": ([[[*A, 0]]], [[[*HALF, 0.9, 0]]], (0.25, 0.5, 0.75, 1.0), 0.5),
    "mean over classes": ([[[*A, 0], [*B, 2]]], [[[*A, 0.9, 0]]], 0.5, 0.5),
    "nothing there": ([[]], [[[*A, 0.9, 0]]], 0.5, 0.0),
    "nothing found": ([[[*A, 0]]], [[]], 0.5, 0.0),
}


@pytest.mark.parametrize("case", CASES)
def test_by_hand(case):
    labels, predictions, iou, expected = CASES[case]
    labels, predictions = padded(labels, 3, 5), padded(predictions, 4, 6)
    assert mean_average_precision(labels, predictions, iou) == pytest.approx(expected, abs=1e-9)
    assert float(MeanAveragePrecision(3, iou)(labels, predictions)) == pytest.approx(expected, abs=1e-6)


def random_set(seed, images=12, classes=4, digits=None):
    """Returns boxes of images, and predictions near some of them and anywhere."""
    rng = np.random.default_rng(seed)
    labels, predictions = [], []
    for _ in range(images):
        truth = _boxes(rng, rng.integers(0, 8))
        near = np.clip(np.repeat(truth, 2, axis=0) + rng.normal(0, 0.04, (2 * len(truth), 4)), 0, 1)
        found = np.concatenate([near, _boxes(rng, 4)])
        found = found[(found[:, 2:] > found[:, :2]).all(axis=1)]
        of_truth = rng.integers(0, classes, len(truth))
        of_found = np.concatenate([np.repeat(of_truth, 2), np.zeros(4, int)])[: len(found)]
        scores = rng.uniform(0.01, 0.99, len(found))
        scores = scores if digits is None else np.round(scores, digits)
        labels.append(np.column_stack([truth, of_truth]))
        predictions.append(np.column_stack([found, scores, of_found]))
    return labels, predictions


def _boxes(rng, num):
    centre, size = rng.uniform(0.2, 0.8, (num, 2)), rng.uniform(0.1, 0.4, (num, 2))
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1)


def of_pycocotools(labels, predictions):
    """Returns its mean average precision at .5:.95 and at .5, and that of each class at .5:.95."""
    coco = pytest.importorskip("pycocotools.coco").COCO()
    cocoeval = pytest.importorskip("pycocotools.cocoeval")

    def entries(rows):
        for image, boxes in enumerate(rows, start=1):
            for row in boxes:
                (y, x), (height, width) = row[:2], row[2:4] - row[:2]
                entry = {"image_id": image, "bbox": [x, y, width, height], "category_id": int(row[-1]) + 1}
                yield entry | {"score": row[4], "area": width * height, "iscrowd": 0}

    coco.dataset = {
        "info": {},
        "images": [{"id": image} for image in range(1, len(labels) + 1)],
        "categories": [{"id": label} for label in sorted({int(row[-1]) + 1 for rows in labels for row in rows})],
        "annotations": [entry | {"id": i} for i, entry in enumerate(entries(labels), start=1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        judge = cocoeval.COCOeval(coco, coco.loadRes(list(entries(predictions))), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"][:, :, :, 0, -1]  # [T, R, C]
    return judge.stats[0], judge.stats[1], precision.mean(axis=(0, 1))


@pytest.mark.parametrize("digits", [None, 1], ids=["", "ties"])
@pytest.mark.parametrize("seed", range(5))
def test_equals_pycocotools(seed, digits):
    labels, predictions = random_set(seed, digits=digits)
    coco, half, each = of_pycocotools(labels, predictions)
    assert 0.05 < coco < half < 0.95
    assert mean_average_precision(labels, predictions, "coco") == pytest.approx(coco, abs=1e-9)
    assert mean_average_precision(labels, predictions) == pytest.approx(half, abs=1e-9)
    of_class = mean_average_precision(labels, predictions, "coco", per_class=True)
    np.testing.assert_allclose([of_class[label] for label in sorted(of_class)], each, atol=1e-9)


def test_max_boxes_equals_pycocotools():
    """Which keeps a hundred of an image and a class."""
    labels, predictions = random_set(0, images=2, classes=1)
    rng = np.random.default_rng(1)
    noise = [np.column_stack([_boxes(rng, 150), rng.uniform(size=150), np.zeros(150)]) for _ in labels]
    predictions = [np.concatenate(pair) for pair in zip(predictions, noise, strict=True)]
    _, half, _ = of_pycocotools(labels, predictions)
    assert mean_average_precision(labels, predictions) == pytest.approx(half, abs=1e-9)
    assert mean_average_precision(labels, predictions, max_boxes=500) != pytest.approx(half, abs=1e-4)


def test_not_as_many_images():
    with pytest.raises(ValueError, match=r"the same images. Received: 2 and 1 images"):
        mean_average_precision([np.zeros((0, 5))] * 2, [np.zeros((0, 6))])


@pytest.fixture(scope="module")
def arrays():
    labels, predictions = random_set(0, images=40)
    return padded([image.tolist() for image in labels], 8, 5), padded([image.tolist() for image in predictions], 20, 6)


def test_binned_is_near_exact(arrays):
    labels, predictions = arrays
    for iou in (0.5, "coco"):
        exact = mean_average_precision(labels, predictions, iou)
        differences = [abs(float(MeanAveragePrecision(4, iou, bins)(*arrays)) - exact) for bins in (100, 1000, 20000)]
        assert differences[0] < 0.02
        assert differences[1] < 0.005
        assert differences[2] < 1e-6  # a bin for each score


def test_equal_scores():
    """One of three equal scores is right. It counts at its place in the data, and in the metric as the last."""
    box, other = [0.0, 0.0, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]
    labels = np.array([[[*box, 3]]])
    for order, exact in ((0, 1.0), (1, 1 / 2), (2, 1 / 3)):
        found = [[*other, 0.7, 3]] * 3
        found[order] = [*box, 0.7, 3]
        assert mean_average_precision(labels, np.array([found])) == pytest.approx(exact)
        assert float(MeanAveragePrecision(4)(labels, np.array([found]))) == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.graph
def test_the_same_in_a_graph_and_in_batches(arrays, jit_compile):
    labels, predictions = arrays
    whole, parts = MeanAveragePrecision(4), MeanAveragePrecision(4)
    whole.update_state(labels, predictions)

    @tf.function(jit_compile=jit_compile)
    def update(labels, predictions):
        parts.update_state(labels, predictions)
        return parts.result()

    for rows in (slice(0, 20), slice(20, 40)):
        value = update(tf.constant(labels[rows]), tf.constant(predictions[rows]))
    assert float(value) == pytest.approx(float(whole.result()), abs=1e-6)
    parts.reset_state()
    assert float(parts.result()) == 0.0


def test_weights(arrays):
    """An image counts with its weight: weight 2 is twice the image."""
    labels, predictions = arrays
    weights = np.tile([1.0, 0.0, 2.0, 1.0], 10).astype("float32")
    rows = np.repeat(np.arange(40), weights.astype(int))
    expected = float(MeanAveragePrecision(4)(labels[rows], predictions[rows]))
    assert float(MeanAveragePrecision(4)(labels, predictions, weights)) == pytest.approx(expected, abs=1e-5)
    entries = np.ones(labels.shape) * weights[:, None, None]
    entries[2, 1] = 0  # the image of which a label is missing does not count
    weights[2] = 0
    one, other = (float(MeanAveragePrecision(4)(labels, predictions, w)) for w in (entries, weights))
    assert one == pytest.approx(other, abs=1e-6)


def test_labels_of_a_grid():
    boxes = np.array([[A, B, [0.5, 0.0, 1.0, 0.4]]])
    labels = mtl.data.encode_boxes(boxes, np.array([[0, 1, -1]]), 3)
    predictions = np.array([[[*A, 0.9, 0], [*FAR, 0.8, 1], [*B, 0.7, 1]]], "float32")
    assert mean_average_precision(labels, predictions) == pytest.approx((1 + 0.5) / 2)
    assert float(MeanAveragePrecision(2)(labels, predictions)) == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize(
    "iou", [0, 1.1, "voc", (), (0.5, 2), None, float("nan"), True, (0.5, float("nan")), (0.5, True)]
)
def test_bad_iou(iou):
    for call in (lambda: MeanAveragePrecision(2, iou), lambda: mean_average_precision([], [], iou)):
        with pytest.raises(
            ValueError, match=r"`iou(\[1\])?` must be a finite number above 0 and at most 1. Received: iou"
        ):
            call()


@pytest.mark.parametrize("arguments", [{"num_classes": 0}, {"num_bins": 1}, {"num_classes": 2.0}])
def test_bad_counts(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be an integer of at least"):
        MeanAveragePrecision(**{"num_classes": 2, **arguments})


def test_config_round_trip():
    metric = MeanAveragePrecision(3, iou=[0.5, 0.75], num_bins=50, name="own")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(copy) is MeanAveragePrecision
    assert copy.get_config() == metric.get_config()
    assert copy.right.shape == (2, 3, 50)


@pytest.mark.parametrize("iou", ["coco", np.float64(0.5), (np.float64(0.5), np.float32(0.75))])
def test_the_config_has_plain_numbers(iou):
    metric = MeanAveragePrecision(np.int64(2), iou, np.int32(10))
    config = metric.get_config()
    assert json.loads(json.dumps(config)) == config
    assert MeanAveragePrecision.from_config(config).get_config() == config
