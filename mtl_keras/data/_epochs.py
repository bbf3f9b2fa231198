"""Datasets whose elements are a function of the seed, the epoch and the step, and which `fit` can start anywhere."""

import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

_LAST = np.iinfo("int64").max
_ELEMENTWISE = ("filter", "map", "prefetch", "with_options")  # which commute with going on to the next pass
_OF_A_PASS = ("batch", "ragged_batch", "padded_batch", "enumerate", "shard", "skip", "take", "take_while", "unbatch")


class Place:
    """Where a run is in its data: set by `fit`, read by the run's dataset whenever it is iterated.

    Attributes:
        epoch: The epoch; None outside of a `fit`: the passes are counted.
        steps_per_epoch: How many steps an epoch has, where it is not one pass through the data.
    """

    def __init__(self):
        self.epoch = None
        self.steps_per_epoch = None
        self._passes = itertools.count()

    def start(self, steps: int) -> tuple[int, int]:
        """Returns the pass at which an iteration starts, and how many steps of it are left out.

        Args:
            steps: Steps in a pass.
        """
        if self.epoch is None:
            return next(self._passes), 0
        if self.steps_per_epoch is None:
            return self.epoch, 0
        return divmod(self.epoch * self.steps_per_epoch, steps)


class EpochDataset(tf.data.Dataset):
    """A `tf.data.Dataset` that has another order in each pass, known from the number of the pass alone.

    Iterated by itself, it counts its passes. `placed` gives it to a `fit`, which says where it is. Methods such as
    `map` and `prefetch` keep this; `repeat()` goes on with the next pass; other methods of `tf.data.Dataset`, such as
    `shuffle` and `zip`, return a plain dataset, which counts.

    Args:
        make: Function `(place, endless)` that returns the dataset for a `Place`, of one pass or of all passes from
            there on.
        repeats: Whether `make` takes `endless=True`.
        endless: Whether this one is endless.
    """

    def __init__(self, make: Callable, repeats: bool = True, endless: bool = False):
        self._make = make
        self._repeats = repeats
        self._endless = endless
        self._dataset = make(Place(), endless)
        super().__init__(self._dataset._variant_tensor)

    @property
    def element_spec(self):
        return self._dataset.element_spec

    def _inputs(self):
        return [self._dataset]

    def placed(self, steps_per_epoch: int | None = None) -> tuple[tf.data.Dataset, Place]:
        """Returns the same data for one run, and the `Place` that tells them where the run is.

        Args:
            steps_per_epoch: How many steps an epoch has; None for one pass.
        """
        place = Place()
        place.steps_per_epoch = steps_per_epoch if self._repeats else None
        return self._make(place, self._endless or (self._repeats and steps_per_epoch is not None)), place

    def repeat(self, count: int | None = None, name: str | None = None) -> tf.data.Dataset:
        """Returns the passes one after the other, each in an order of its own."""
        steps = int(self.cardinality())
        if not self._repeats or self._endless or steps < 0:  # which counts the passes
            return super().repeat(count, name=name)
        endless = EpochDataset(self._make, endless=True)
        return endless if count is None or count < 0 else endless.take(count * steps)

    def _kept(self, name, args, kwargs):
        """Returns the data after a method of `tf.data.Dataset`, still as a function of the place."""
        elementwise = name in _ELEMENTWISE

        def make(place, endless):
            return getattr(self._make(place, endless), name)(*args, **kwargs)

        if self._endless and not elementwise:
            return getattr(self._make(Place(), True), name)(*args, **kwargs)
        return EpochDataset(make, self._repeats and elementwise, self._endless)


def _method(name):
    def method(self, *args, **kwargs):
        return self._kept(name, args, kwargs)

    method.__doc__ = f"As `tf.data.Dataset.{name}`."
    return method


for _name in (*_ELEMENTWISE, *_OF_A_PASS):
    setattr(EpochDataset, _name, _method(_name))


def batches(num_examples: int, batch_size: int, steps: int, *, shuffle: bool, seed: int) -> EpochDataset:
    """Returns a dataset of `(rows, epoch, step)`, one element per batch.

    Args:
        num_examples: Number N of examples.
        batch_size: Number of examples in a batch.
        steps: Number of batches.
        shuffle: Whether each pass has a random order of its own.
        seed: An int32 number.

    Returns:
        A dataset of the examples' numbers [B] and of the numbers of the pass and of the batch in it.
    """

    def one_pass(number):
        order = tf.range(num_examples)
        if shuffle:
            key = tf.stack([tf.constant(seed, tf.int64), number])
            order = tf.random.experimental.stateless_shuffle(order, seed=key)

        def one_batch(step):
            start = step * batch_size
            return order[start : start + batch_size], number, step

        return tf.data.Dataset.range(steps).map(one_batch)

    def make(place, endless):
        def passes(start):
            if not endless:
                return one_pass(start[0])
            return tf.data.Dataset.range(start[0], _LAST).flat_map(one_pass).skip(start[1])

        dataset = _looked_up(place, steps).flat_map(passes)
        known = tf.data.INFINITE_CARDINALITY if endless else steps
        return dataset.apply(tf.data.experimental.assert_cardinality(known))

    return EpochDataset(make)


def batch_seed(seed: int, epoch: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Returns the int32 seed [2] of a batch, which no other batch of any epoch has."""
    key = tf.stack([tf.constant(seed, tf.int32), tf.cast(epoch, tf.int32)])
    return tf.random.experimental.stateless_fold_in(key, step)


def _looked_up(place, steps):
    """Returns a dataset of one element [2], the start of an iteration, looked up each time that it is iterated."""

    def look_up(_):
        start = tf.numpy_function(lambda: np.array(place.start(steps), "int64"), [], tf.int64)
        return tf.ensure_shape(start, [2])

    return tf.data.Dataset.range(1).map(look_up)
