"""Datasets whose elements are a function of the seed, the epoch and the step, and which `fit` can start anywhere."""

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

_LAST = np.iinfo("int64").max
_MAX_RUNS = 8
_ELEMENTWISE = ("filter", "map", "prefetch", "with_options")  # which commute with going on to the next pass
_KEEP_ROWS = ("map", "prefetch", "with_options")
_OF_A_PASS = ("batch", "ragged_batch", "padded_batch", "enumerate", "shard", "skip", "take", "take_while", "unbatch")


class Place:
    """Where a run is in its data: set by `fit`, read by the run's dataset whenever it is iterated.

    Attributes:
        epoch: The epoch; None outside of a `fit`: the passes are counted.
        step: The step of the epoch to start at.
        steps_per_epoch: How many steps an epoch has, where it is not one pass through the data.
        shuffle_seed: Seed to shuffle data with that keep their order by themselves; None to let them.
        starts_within: Whether `step` may be other than 0, so that the number of steps is not known.
    """

    def __init__(self, shuffle_seed: int | None = None, starts_within: bool = False):
        self.epoch: int | None = None
        self.step = 0
        self.steps_per_epoch: int | None = None
        self.shuffle_seed = shuffle_seed
        self.starts_within = starts_within
        self._passes = itertools.count()

    def start(self, steps: int) -> tuple[int, int]:
        """Returns the pass at which an iteration starts, and how many steps of it are left out.

        Args:
            steps: Steps in a pass.
        """
        if self.epoch is None:
            return next(self._passes), 0
        if self.steps_per_epoch is None:
            return self.epoch, self.step
        return divmod(self.epoch * self.steps_per_epoch + self.step, steps)


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a dataset's rows.

    Args:
        num_rows: Number of rows in a pass.
        batch_size: Number of rows in each batch but the last one of a pass.
        rows_of: For a mix, a function of the epoch and of its number of steps, None for a whole pass, that returns
            `{source: number of rows}`.
        is_alternating: Whether each batch has rows of one source only, which lacks tasks.
    """

    num_rows: int | None = None
    batch_size: int | None = None
    rows_of: Callable[[int, int | None], dict[str, int]] | None = None
    is_alternating: bool = False


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
        facts: What is known of the rows.
    """

    def __init__(self, make: Callable, repeats: bool = True, endless: bool = False, facts: Facts = Facts()):
        self.facts = facts
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

    def placed(
        self, steps_per_epoch: int | None = None, shuffle_seed: int | None = None, starts_within: bool = False
    ) -> tuple[tf.data.Dataset, Place]:
        """Returns the same data for one run, and the `Place` that tells them where the run is.

        Args:
            steps_per_epoch: How many steps an epoch has; None for one pass.
            shuffle_seed, starts_within: As in `Place`.
        """
        place = Place(shuffle_seed, starts_within)
        place.steps_per_epoch = steps_per_epoch if self._repeats else None
        return self._make(place, self._endless or (self._repeats and steps_per_epoch is not None)), place

    def repeat(self, count: int | None = None, name: str | None = None) -> tf.data.Dataset:
        """Returns the passes one after the other, each in an order of its own."""
        steps = int(self.cardinality())
        if not self._repeats or self._endless or steps < 0:  # which counts the passes
            return super().repeat(count, name=name)
        endless = EpochDataset(self._make, endless=True, facts=self.facts)
        return endless if count is None or count < 0 else endless.take(count * steps)

    def _kept(self, name, args, kwargs):
        """Returns the data after a method of `tf.data.Dataset`, still as a function of the place."""
        elementwise = name in _ELEMENTWISE

        def make(place, endless):
            return getattr(self._make(place, endless), name)(*args, **kwargs)

        if self._endless and not elementwise:
            return getattr(self._make(Place(), True), name)(*args, **kwargs)
        facts = self.facts if name in _KEEP_ROWS else Facts(is_alternating=self.facts.is_alternating)
        return EpochDataset(make, self._repeats and elementwise, self._endless, facts)


def _method(name):
    def method(self, *args, **kwargs):
        return self._kept(name, args, kwargs)

    method.__doc__ = f"As `tf.data.Dataset.{name}`."
    return method


for _name in (*_ELEMENTWISE, *_OF_A_PASS):
    setattr(EpochDataset, _name, _method(_name))


def passes(one_pass: Callable, steps: int, facts: Facts, to_batch: Callable | None = None) -> EpochDataset:
    """Returns a dataset whose passes are a function of their number, prefetched.

    Args:
        one_pass: Function `(number, first, place)` that returns the `tf.data.Dataset` of pass `number` from step
            `first` on, where the two are int64 tensors.
        steps: Number of elements of a pass.
        facts: What is known of the rows.
        to_batch: Function that each element is mapped by, in several threads.
    """

    def make(place, endless):
        def from_start(start):
            here = one_pass(start[0], start[1], place)
            if not endless:
                return here
            zero = tf.constant(0, tf.int64)
            later = tf.data.Dataset.range(start[0] + 1, _LAST).flat_map(lambda number: one_pass(number, zero, place))
            return here.concatenate(later)

        dataset = _looked_up(place, steps).flat_map(from_start)
        if endless or not place.starts_within:
            known = tf.data.INFINITE_CARDINALITY if endless else steps
            dataset = dataset.apply(tf.data.experimental.assert_cardinality(known))
        if to_batch is not None:
            dataset = dataset.map(to_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return dataset.with_options(_options()).prefetch(tf.data.AUTOTUNE)

    return EpochDataset(make, facts=facts)


def batches(
    to_batch: Callable, num_examples: int, batch_size: int, steps: int, *, shuffle: bool, seed: int
) -> EpochDataset:
    """Returns a dataset whose batches are a function of the numbers of their examples, prefetched.

    Args:
        to_batch: Function of `(rows, epoch, step)` that returns a batch: of the examples' numbers [B] and of the
            numbers of the pass and of the batch in it.
        num_examples: Number N of examples.
        batch_size: Number of examples in a batch.
        steps: Number of batches.
        shuffle: Whether each pass has a random order of its own.
        seed: An int32 number.
    """

    def one_pass(number, first, place):
        key = seed if shuffle else place.shuffle_seed
        order = None
        if key is not None:
            key = tf.stack([tf.constant(key, tf.int64), number])
            order = tf.random.experimental.stateless_shuffle(tf.range(num_examples), seed=key)

        def one_batch(step):
            start = step * batch_size
            end = tf.minimum(start + batch_size, num_examples)
            return tf.range(start, end) if order is None else order[start:end], number, step

        return tf.data.Dataset.range(first, steps).map(one_batch)

    return passes(one_pass, steps, Facts(min(num_examples, steps * batch_size), batch_size), to_batch)


def generated(
    batches_of: Callable[[int, int, Place], Iterator[Any]], spec: Any, steps: int, facts: Facts
) -> EpochDataset:
    """Returns a dataset whose batches come from a Python generator, prefetched.

    Args:
        batches_of: Function `(number, first, place)` that yields the batches of pass `number` from step `first` on, as
            structures of NumPy arrays.
        spec: The structure of a batch, of `tf.TensorSpec`s.
        steps: Number of batches in a pass.
        facts: What is known of the rows.
    """
    specs = tf.nest.flatten(spec)

    def one_pass(number, first, place):
        runs = _Runs(lambda number, first: batches_of(number, first, place), steps)

        def one_batch(run, step):  # three times as fast as `Dataset.from_generator`
            parts = tf.numpy_function(runs.batch, [run, number, step], [part.dtype for part in specs])
            parts = [tf.ensure_shape(part, known.shape) for part, known in zip(parts, specs, strict=True)]
            return tf.nest.pack_sequence_as(spec, parts)

        def batches_of_run(run):
            return tf.data.Dataset.range(first, steps).map(lambda step: one_batch(run, step))

        new_run = tf.data.Dataset.range(1).map(lambda _: tf.numpy_function(runs.new, [], tf.int64))
        return new_run.flat_map(batches_of_run)

    return passes(one_pass, steps, facts)


class _Runs:
    """The generators of the iterations that go on: the last few, as what was forgotten can be made again."""

    def __init__(self, generate: Callable[[int, int], Iterator[Any]], steps: int):
        self._generate = generate
        self._steps = steps
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._going: dict[int, tuple[int, Iterator[Any]]] = {}  # run: (next step, generator)

    def new(self) -> np.ndarray:
        """Returns the number of a new iteration."""
        return np.array(next(self._numbers), "int64")

    def batch(self, *place: np.ndarray) -> list[np.ndarray]:
        """Returns the parts of the batch at (number of the iteration, pass, step)."""
        run, number, step = map(int, place)
        with self._lock:
            going = self._going.pop(run, None)
        generator = going[1] if going and going[0] == step else self._generate(number, step)
        parts = tf.nest.flatten(next(generator))
        if step + 1 < self._steps:
            with self._lock:
                self._going[run] = step + 1, generator
                while len(self._going) > _MAX_RUNS:
                    self._going.pop(next(iter(self._going)))
        return parts


def _options() -> tf.data.Options:
    """Returns the options of all datasets of this package."""
    made = tf.data.Options()
    made.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.IGNORE
    made.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return made


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
