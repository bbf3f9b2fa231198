"""Boxes (y_min, x_min, y_max, x_max): their overlap, their coding in the cells of a grid, and which ones to keep."""

from keras import ops


def overlaps(boxes, others):
    """Returns the intersection over union of each box with each other one, 0 for boxes without an area.

    Args:
        boxes: [..., N, 4]
        others: [..., M, 4]

    Returns:
        [..., N, M]
    """
    one, two = ops.expand_dims(boxes, -2), ops.expand_dims(others, -3)
    sides = ops.minimum(one[..., 2:], two[..., 2:]) - ops.maximum(one[..., :2], two[..., :2])  # [..., N, M, 2]
    common = ops.prod(ops.maximum(sides, 0.0), axis=-1)
    union = _area(one) + _area(two) - common
    return ops.where(union > 0, common / ops.where(union > 0, union, 1.0), 0.0)


def to_cells(boxes):
    """Returns the boxes of a grid relative to their cells.

    Args:
        boxes: A box for each cell, relative to the image. [B, S, S', 4]

    Returns:
        The centre, measured from the top left corner of the cell in sides of the cell, and the square roots of height
        and width. The centre of a box that lies in its cell is in [0, 1]. [B, S, S', 4]
    """
    corner, sides = _grid(boxes)
    centre = 0.5 * (boxes[..., :2] + boxes[..., 2:]) * sides - corner
    size = ops.sqrt(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0))
    return ops.concatenate([centre, size], axis=-1)


def from_cells(cells):
    """Inverts `to_cells`: returns the boxes relative to the image, cut at its border."""
    corner, sides = _grid(cells)
    centre, half = (cells[..., :2] + corner) / sides, 0.5 * ops.square(cells[..., 2:])
    return ops.clip(ops.concatenate([centre - half, centre + half], axis=-1), 0.0, 1.0)


def suppress(boxes, scores, max_boxes, score_threshold, iou_threshold):
    """Returns which boxes to keep, by greedy non-maximum suppression within each class.

    Each box is a candidate for each class. The candidate with the highest score is kept, and candidates of its class
    that overlap it by more than `iou_threshold` are dropped. This is repeated `max_boxes` times.

    Args:
        boxes: [B, N, 4]
        scores: Scores of each box for each class. [B, N, C]
        max_boxes: Maximum number of candidates to keep, a Python integer.
        score_threshold: Candidates up to this score are dropped; at least 0.
        iou_threshold: Overlap up to which two candidates of a class are both kept.

    Returns:
        Box and class of the kept candidates, in the order of their scores, int32; the rest is filled with -1.
        [B, max_boxes, 2]
    """
    boxes, scores = ops.stop_gradient(boxes), ops.stop_gradient(scores)
    every_box, every_class = ops.arange(ops.shape(scores)[1])[:, None], ops.arange(scores.shape[2])
    place = ops.arange(max_boxes)[:, None]

    def keep_one(i, state):
        left, kept = state  # [B, N, C], [B, max_boxes, 2]
        # The argmax of Keras works on bits, which converters to other formats do not support.
        score, label = ops.top_k(left, 1)  # [B, N, 1]
        score, best = ops.top_k(score[:, :, 0], 1)  # [B, 1]
        label = ops.take_along_axis(label[:, :, 0], best, axis=1)
        near = overlaps(boxes, ops.take_along_axis(boxes, best[:, :, None], axis=1)) > iou_threshold  # [B, N, 1]
        gone = (near | (every_box == best[:, :, None])) & (every_class == label[:, :, None])  # [B, N, C]
        found = ops.where(score[:, :, None] > 0, ops.stack([best, label], axis=-1), -1)  # [B, 1, 2]
        return ops.where(gone, 0.0, left), ops.where(place == i, found, kept)

    left = ops.where(scores > score_threshold, scores, 0.0)
    none = ops.zeros_like(left[:, :1, :1], dtype="int32") - ops.ones((1, max_boxes, 2), dtype="int32")
    return ops.fori_loop(0, max_boxes, keep_one, (left, none))[1]


def _area(boxes):
    return ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1)


def _grid(cells):
    """Returns the indices (row, column) of each cell, [S, S', 2], and the numbers of rows and columns, [2]."""
    rows, columns = ops.shape(cells)[1:3]
    corner = ops.stack(ops.meshgrid(ops.arange(rows), ops.arange(columns), indexing="ij"), axis=-1)
    return ops.cast(corner, cells.dtype), ops.cast(ops.stack([rows, columns]), cells.dtype)
