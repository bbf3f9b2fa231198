"""Directions and gradients, block by block and variable by variable."""

import tensorflow as tf


def aggregated(ask, blocks, by_column):
    """Returns the aggregated gradient d of the tasks' gradients, by block, and J·d [T].

    Args:
        ask: Function of rows [T, ...] that returns their aggregate.
        blocks: Blocks of the Jacobian J.
        by_column: Whether each entry of the aggregate depends on its own column alone.
    """
    if by_column:
        directions, progress = [], 0.0
        for block in blocks:
            with tf.control_dependencies([progress]):  # so that intermediate values exist for one block at a time
                direction, products = block.aggregated(ask)
            directions.append(direction)
            progress = progress + products
        return directions, progress
    rows = [block.stacked() for block in blocks]
    joined = tf.concat(rows, axis=1)  # [T, P]
    direction = ask(joined)  # [P]
    return tf.split(direction, [row.shape[1] for row in rows]), tf.linalg.matvec(joined, direction)


def restored(blocks, directions, factor):
    """Returns the direction as gradients of the variables or feature tensors that the blocks belong to."""
    return [block.restore(d * factor) for block, d in zip(blocks, directions, strict=True)]


def all_finite(*tensors):
    """Returns whether all numbers in the tensors are finite."""
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(tensor)) for tensor in tensors])


def or_nan(finite, answer):
    """Returns the answer, or NaN instead."""
    return tf.where(finite, answer, float("nan"))


def sum_of(variable, *gradients):
    """Returns the sum of the gradients that are not None; sparse if it is a single sparse gradient."""
    gradients = [g for g in gradients if g is not None]
    if len(gradients) == 1:
        return gradients[0]
    return tf.add_n([tf.convert_to_tensor(g) for g in gradients]) if gradients else tf.zeros_like(variable)


def filled(gradients, variables, of):
    """Returns the gradients of variables, with zeros in place of None for some of them; Keras warns of the other None.

    Args:
        gradients: List of gradients; None for a variable that the loss does not reach.
        variables: Their variables.
        of: The variables that get zeros.
    """
    ids = {id(v) for v in of}
    pairs = zip(gradients, variables, strict=True)
    return [sum_of(v, g) if id(v) in ids else g for g, v in pairs]


def times(gradient, factor):
    """Returns a gradient times a factor; a sparse gradient stays sparse, and None stays None."""
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


def alike(gradient, sparse):
    """Returns a gradient in the one form for branches of a condition: sparse if it is and may be, else dense."""
    if not sparse or not isinstance(gradient, tf.IndexedSlices):
        return tf.convert_to_tensor(gradient)
    shape = tf.cast(gradient.dense_shape, tf.int64)
    return tf.IndexedSlices(gradient.values, tf.cast(gradient.indices, tf.int64), shape)
