"""Which examples a batch holds: a pure function of the seed, the epoch and the batch's number."""

import itertools

import numpy as np
import tensorflow as tf

from mtl_keras import _epoch


def batches(num_examples, batch_size, steps, *, shuffle, seed):
    """Returns a dataset of `(rows, epoch, step)`, one element a batch.

    Epoch e is `_epoch.current` while one of our models is in `fit`; elsewhere it is the number of times
    that the dataset has been iterated before. So a run that is resumed at epoch 3 sees epoch 3's batches.

    Args:
        num_examples: Number N of examples.
        batch_size: Number of examples in a batch.
        steps: Number of batches.
        shuffle: Whether each epoch has a random order of its own.
        seed: An int32 number.

    Returns:
        A dataset of the examples' numbers [B] and of the numbers of the epoch and of the batch in it.
    """

    def one_epoch(epoch):
        order = tf.range(num_examples)
        if shuffle:
            key = tf.stack([tf.constant(seed, tf.int64), epoch])
            order = tf.random.experimental.stateless_shuffle(order, seed=key)

        def one_batch(step):
            start = step * batch_size
            return order[start : start + batch_size], epoch, step

        return tf.data.Dataset.range(steps).map(one_batch)

    dataset = _epochs().flat_map(one_epoch)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps))


def batch_seed(seed, epoch, step):
    """Returns the int32 seed [2] of a batch, which no other batch of any epoch has."""
    key = tf.stack([tf.constant(seed, tf.int32), tf.cast(epoch, tf.int32)])
    return tf.random.experimental.stateless_fold_in(key, step)


def _epochs():
    """Returns a dataset of one element, the epoch, which is looked up each time that it is iterated."""
    iterations = itertools.count()

    def epoch():
        iteration = next(iterations)
        return np.int64(iteration if _epoch.current is None else _epoch.current)

    def look_up(_):
        return tf.ensure_shape(tf.numpy_function(epoch, [], tf.int64), [])

    return tf.data.Dataset.range(1).map(look_up)
