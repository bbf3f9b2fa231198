"""The exact average precision of predicted boxes, in NumPy."""

import numpy as np

from mtl_keras._arguments import number

_RECALLS = np.linspace(0.0, 1.0, 101)


def checked_iou(iou):
    """Returns "coco", a number or a list of numbers, or raises a ValueError for anything else."""
    if isinstance(iou, str) and iou == "coco":
        return iou
    if isinstance(iou, (list, tuple)) and iou:
        return [number(f"iou[{i}]", value, above=0, at_most=1) for i, value in enumerate(iou)]
    return number("iou", iou, above=0, at_most=1, hint='Or pass several, or iou="coco" for 0.5, 0.55, ..., 0.95.')


def thresholds_of(iou):
    """Returns the thresholds of the overlap as a list of numbers."""
    if iou == "coco":
        return np.linspace(0.5, 0.95, 10).tolist()
    return iou if isinstance(iou, list) else [iou]


def rows(array):
    """Returns the rows of an image without padding. [N, n]"""
    array = np.asarray(array, "float64")
    array = array.reshape(-1, array.shape[-1])
    return array[array[:, -1] >= 0]


def average_precision(images, label, thresholds, max_boxes):
    """Returns the average precision of a class, averaged over the thresholds."""
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
        best = len(truth) - 1 - np.argmax(candidates[:, ::-1], axis=1)  # of equal ones, the last, as in pycocotools
        right[:, i] = candidates[every, best] >= least
        free[every, best] &= ~right[:, i]
    return right
