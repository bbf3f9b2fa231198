"""Turns boxes into the labels of a grid of cells."""

from collections.abc import Iterable

import tensorflow as tf

from mtl_keras._arguments import count, counts, error
from mtl_keras._types import Tensor


def encode_boxes(
    boxes: Tensor, classes: Tensor, grid: int | tuple[int, int], num_classes: int | None = None
) -> tf.Tensor:
    """Turns the boxes of each image into labels for `heads.Detection`.

    A box belongs to the cell that contains its centre. If several centres are in one cell, the first box in the given
    order is kept and the others are dropped: put the most important boxes first, or use a finer grid.

    Works on batches and on single images, eagerly and in `dataset.map`.

    Args:
        boxes: `y_min, x_min, y_max, x_max` relative to the image, in [0, 1] (Keras' `"rel_yxyx"`), [..., N, 4]; padded,
            or a `tf.RaggedTensor`.
        classes: Integers from 0; -1 for padding rows of `boxes`, [..., N].
        grid: Number of rows and columns of cells: two integers, or one for both. They are the height and width of the
            head's features.
        num_classes: Number of classes of the head, to check `classes`; None for no check.

    Returns:
        A float32 tensor [..., rows, columns, 6]. A cell with a box has the box, 1 and its class, in the format of the
        head's predictions. A cell without a box has 0 and class -1.

    Raises:
        ValueError: If `grid` is not a size, a shape does not fit, or, eagerly, if a box or class is out of range. In a
            graph the latter is a `tf.errors.InvalidArgumentError`.

    Example:

    ```python
    boxes = np.array([[[0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0]]])  # an image with a box, and padding
    labels = mtl.data.encode_boxes(boxes, np.array([[7, -1]]), grid=(2, 2), num_classes=10)
    labels[0, 0, 1]  # [0.0, 0.5, 0.5, 1.0, 1.0, 7.0]
    ```

    Reference: J. Redmon, S. Divvala, R. Girshick, A. Farhadi, "You Only Look Once: Unified, Real-Time Object
    Detection", 2016.
    """
    rows, columns = _as_grid(grid)
    num_classes = None if num_classes is None else count("num_classes", num_classes)
    boxes, classes = _as_padded(boxes, classes)
    there = classes >= 0  # [..., N]
    top, bottom = boxes[..., :2], boxes[..., 2:]
    # Rounding turns a border at 1 into 1 + 1e-7.
    inside = tf.reduce_all((top >= -1e-6) & (bottom <= 1 + 1e-6) & (top < bottom), axis=-1) | ~there
    boxes = _checked(
        boxes,
        inside,
        "`boxes` must be y_min, x_min, y_max, x_max relative to the image, in [0, 1], with y_min < y_max and "
        "x_min < x_max. Divide pixels by height and width, and give rows of padding the class -1.",
    )
    if num_classes is not None:
        text = f"`classes` must be integers from 0 to {num_classes - 1}, and -1 for padding. Count them from 0."
        classes = _checked(classes, (classes >= -1) & (classes < num_classes), text)

    sides = tf.constant([rows, columns], boxes.dtype)
    cell = tf.cast(tf.floor(0.5 * (boxes[..., :2] + boxes[..., 2:]) * sides), tf.int32)
    cell = tf.clip_by_value(cell, 0, tf.constant([rows, columns]) - 1)  # a centre on the lower or right border
    cell = tf.where(there, cell[..., 0] * columns + cell[..., 1], -1)  # [..., N]
    # Row N is not a box: cells without a centre get it.
    num = tf.shape(boxes)[-2]
    owners = tf.where(tf.range(rows * columns)[:, None] == cell[..., None, :], tf.range(num), num)  # [..., cells, N]
    first = tf.reduce_min(tf.concat([owners, tf.fill([*_leading(owners), 1], num)], axis=-1), axis=-1)
    entries = tf.concat([boxes, tf.ones_like(boxes[..., :1]), tf.cast(classes, boxes.dtype)[..., None]], axis=-1)
    nothing = tf.broadcast_to([0.0, 0.0, 0.0, 0.0, 0.0, -1.0], [*_leading(entries)[:-1], 1, 6])
    labels = tf.gather(tf.concat([entries, nothing], axis=-2), first, axis=-2, batch_dims=len(boxes.shape) - 2)
    return tf.reshape(labels, [*_leading(labels)[:-1], rows, columns, 6])


def _leading(tensor):
    """Returns the sizes of all axes except the last one, as integers where they are known."""
    known, sizes = tensor.shape[:-1], tf.shape(tensor)
    return [sizes[axis] if size is None else size for axis, size in enumerate(known)]


def _as_grid(grid):
    """Returns the numbers of rows and columns."""
    hint = "Give it the height and width of the head's features."
    if isinstance(grid, str) or not isinstance(grid, Iterable):
        side = count("grid", grid, hint=hint)
        return side, side
    sides = counts("grid", tuple(grid), hint=hint)
    if len(sides) != 2:
        raise ValueError(error("grid", "one or two integers", grid, hint))
    return sides


def _as_padded(boxes, classes):
    """Returns the boxes in float32 and the classes in int32, as tensors with matching shapes."""
    boxes = boxes.to_tensor(shape=[None] * (len(boxes.shape) - 1) + [4]) if _is_ragged(boxes) else boxes
    classes = classes.to_tensor(-1) if _is_ragged(classes) else classes
    boxes, classes = tf.cast(boxes, tf.float32), tf.cast(classes, tf.int32)
    if len(boxes.shape) < 2 or boxes.shape[-1] != 4 or not boxes.shape[:-1].is_compatible_with(classes.shape):
        raise ValueError(
            "`boxes` must be of shape [..., N, 4] and `classes` of shape [..., N]. "
            f"Received: {boxes.shape} and {classes.shape}. For an image without boxes, use N = 0 or padding."
        )
    return boxes, classes


def _is_ragged(value):
    return isinstance(value, tf.RaggedTensor)


def _checked(tensor, holds, text):
    """Returns the tensor if a condition holds for all of its elements."""
    if tf.executing_eagerly():
        if not tf.reduce_all(holds):
            wrong = tf.boolean_mask(tensor, ~holds)[0].numpy().tolist()
            raise ValueError(f"{text} Received: {wrong}.")
        return tensor
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(holds), [text, tensor])]):
        return tf.identity(tensor)
