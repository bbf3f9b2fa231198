"""The average precision of predicted boxes, exactly, on NumPy."""

import numpy as np

_RECALLS = np.linspace(0.0, 1.0, 101)


def check_thresholds(iou):
    """Returns the thresholds of the overlap as a list of floats."""
    if isinstance(iou, str) and iou == "coco":
        return np.linspace(0.5, 0.95, 10).tolist()
    values = list(iou) if isinstance(iou, (list, tuple)) else [iou]
    if not values or not all(isinstance(value, (int, float)) and 0 < value <= 1 for value in values):
        raise ValueError(f"`iou` must be 'coco', or one or several numbers in (0, 1]. Received: iou={iou!r}.")
    return values


def rows(array):
    """Returns the rows of an image that are no padding. [N, n]"""
    array = np.asarray(array, "float64")
    array = array.reshape(-1, array.shape[-1])
    return array[array[:, -1] >= 0]


def average_precision(images, label, thresholds, max_boxes):
    """Returns the average precision of a class, a mean over the thresholds."""
    scores, right, count = [], [], 0
    for truth, found in images:
        truth, found = truth[truth[:, -1] == label], found[found[:, -1] == label]
        found = found[np.argsort(-found[:, 4], kind="stable")][:max_boxes]
        count += len(truth)
        scores.append(found[:, 4])
        right.append(_right(truth, found, thresholds))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.concatenate(right, axis=1)[:, order]  # [T, D]
    total = np.cumsum(right, axis=1)
    precision = total / np.arange(1, total.shape[1] + 1)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)  # at recalls that are never reached
    places = [np.searchsorted(recall, _RECALLS) for recall in total / count]
    return float(np.mean([row[place] for row, place in zip(best, places, strict=True)]))


def _right(truth, found, thresholds):
    """Returns which predictions of an image and a class, in the order of their scores, are right. [T, D]"""
    free = np.ones((len(thresholds), len(truth)), bool)
    right = np.zeros((len(thresholds), len(found)), bool)
    if not len(truth):
        return right
    sides = np.minimum(found[:, None, 2:4], truth[:, 2:4]) - np.maximum(found[:, None, :2], truth[:, :2])  # [D, G, 2]
    common = np.prod(np.maximum(sides, 0), axis=-1)
    area_found, area = (np.prod(boxes[:, 2:4] - boxes[:, :2], axis=-1) for boxes in (found, truth))
    overlap = common / np.maximum(area_found[:, None] + area - common, 1e-300)  # [D, G]
    least = np.minimum(thresholds, 1 - 1e-10)
    every = np.arange(len(thresholds))
    for i, row in enumerate(overlap):
        candidates = np.where(free, row, -1.0)  # [T, G]
        best = len(truth) - 1 - np.argmax(candidates[:, ::-1], axis=1)  # of equal ones the last, as in pycocotools
        right[:, i] = candidates[every, best] >= least
        free[every, best] &= ~right[:, i]
    return right
