"""Creates datasets whose passes depend only on their number."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mtl_keras.data._epochs import EpochDataset, Facts
from mtl_keras.data._in_python import in_python

_LAST = np.iinfo("int64").max


def passes(windows_of: Callable, to_batches: Callable, steps: int, facts: Facts) -> EpochDataset:
    """Returns a prefetched dataset whose passes depend only on their number.

    Args:
        windows_of: Function `(number, first, place)` that returns the `tf.data.Dataset` of the windows of pass `number`
            from step `first` on, where the two are int64 tensors.
        to_batches: Function that turns the dataset of all windows into that of their batches. It is separate because
            TensorFlow takes several times as long to start a dataset inside another function.
        steps: Number of batches of a pass.
        facts: Known facts about the rows.
    """

    def make(place, endless):
        def from_start(start):
            if not endless:
                return windows_of(start[0], start[1], place)

            def each(number):
                return windows_of(number, tf.where(number == start[0], start[1], 0), place)

            return tf.data.Dataset.range(start[0], _LAST).flat_map(each)

        dataset = to_batches(_looked_up(place, steps).flat_map(from_start))
        known = tf.data.INFINITE_CARDINALITY if endless else steps
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(known))
        return dataset.with_options(_options()).prefetch(tf.data.AUTOTUNE)

    return EpochDataset(make, facts=facts)


def batch_seed(seed: int, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the int32 seed [2] of a batch; it is different for each batch of each epoch."""
    key = tf.stack([tf.constant(seed, tf.int32), tf.cast(epoch, tf.int32)])
    return tf.random.experimental.stateless_fold_in(key, step)


def _options() -> tf.data.Options:
    """Returns the options of all datasets of this package."""
    made = tf.data.Options()
    made.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    made.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return made


def _looked_up(place, steps):
    """Returns a dataset of one element [2], the start of an iteration. It is looked up at each iteration."""

    def look_up(_):
        start = tf.numpy_function(in_python(lambda: np.array(place.start(steps), "int64")), [], tf.int64)
        return tf.ensure_shape(start, [2])

    return tf.data.Dataset.range(1).map(look_up)
