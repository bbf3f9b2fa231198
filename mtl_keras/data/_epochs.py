"""Datasets whose elements depend only on the seed, the epoch and the step, so that `fit` can start anywhere."""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from mtl_keras.data._in_python import in_python

_ELEMENTWISE = ("filter", "map", "prefetch", "with_options")  # these commute with going on to the next pass
_KEEP_ROWS = ("map", "prefetch", "with_options")
_OF_A_PASS = ("batch", "ragged_batch", "padded_batch", "enumerate", "shard", "skip", "take", "take_while", "unbatch")


class Place:
    """The position of a run in its data. `fit` sets it; the dataset reads it at the start of each iteration.

    Attributes:
        epoch: The epoch; None outside of a `fit`: the passes are counted.
        step: The step of the epoch to start at.
        steps_per_epoch: Number of steps of an epoch if an epoch is not one pass through the data; else None.
        skips: Whether the steps before `step` are read and dropped, because they are not the first steps of a pass.
        shuffle_seed: Seed to shuffle data that otherwise keep their order; None to keep it.
    """

    def __init__(self, shuffle_seed: int | None = None):
        self.epoch: int | None = None
        self.step = 0
        self.steps_per_epoch: int | None = None
        self.skips = False
        self.shuffle_seed = shuffle_seed
        self._passes = itertools.count()

    def start(self, steps: int) -> tuple[int, int]:
        """Returns the pass at which an iteration starts, and how many of its steps to skip.

        Args:
            steps: Steps in a pass.
        """
        if self.epoch is None:
            return next(self._passes), 0
        if self.steps_per_epoch is None:
            return self.epoch, 0 if self.skips else self.step
        return divmod(self.epoch * self.steps_per_epoch + self.step, steps)


@dataclasses.dataclass(frozen=True)
class Facts:
    """Known facts about the rows of a dataset.

    Args:
        num_rows: Number of rows in a pass.
        batch_size: Number of rows in each batch except the last one of a pass.
        rows_of: For a mix, a function of the epoch and of its number of steps (None for a whole pass) that returns
            `{source: number of rows}`.
        is_alternating: Whether each batch has rows of one source only, and sources lack tasks.
    """

    num_rows: int | None = None
    batch_size: int | None = None
    rows_of: Callable[[int, int | None], dict[str, int]] | None = None
    is_alternating: bool = False


class EpochDataset(tf.data.Dataset):
    """A `tf.data.Dataset` with a different order in each pass, which depends only on the number of the pass.

    When iterated directly, it counts its passes. `placed` connects it to a `fit`, which sets the position. Methods such
    as `map` and `prefetch` keep this behaviour; `repeat()` continues with the next pass. Other methods of
    `tf.data.Dataset`, such as `shuffle` and `zip`, return a plain dataset, which counts its passes.

    Args:
        make: Function `(place, endless)` that returns the dataset for a `Place`: one pass, or all passes from there
            on.
        repeats: Whether `make` accepts `endless=True`.
        endless: Whether this dataset is endless.
        facts: Known facts about the rows.
        has_steps: Whether its elements correspond one to one to those of `make`, so that it can start at any of them.
    """

    def __init__(
        self,
        make: Callable,
        repeats: bool = True,
        endless: bool = False,
        facts: Facts = Facts(),
        has_steps: bool = True,
    ):
        self.facts = facts
        self._has_steps = has_steps
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
        self, steps_per_epoch: int | None = None, shuffle_seed: int | None = None
    ) -> tuple[tf.data.Dataset, Place]:
        """Returns the same data for one run, and the `Place` for the position of the run.

        Args:
            steps_per_epoch: Number of steps of an epoch; None for one pass.
            shuffle_seed: As in `Place`.
        """
        place = Place(shuffle_seed)
        place.steps_per_epoch = steps_per_epoch if self._repeats else None
        made = self._make(place, self._endless or (self._repeats and steps_per_epoch is not None))
        if not self._has_steps and self.starts_within(steps_per_epoch):
            place.skips = True
            made = _skipping(made, place)
        return made, place

    def starts_within(self, steps_per_epoch: int | None = None) -> bool:
        """Returns whether a run can start within an epoch: it has `steps_per_epoch`, or is a pass of known length."""
        return self._has_steps or (steps_per_epoch is None and int(self.cardinality()) >= 0)

    def repeat(self, count: int | None = None, name: str | None = None) -> tf.data.Dataset:
        """Returns all passes one after the other, each in its own order."""
        steps = int(self.cardinality())
        if not self._repeats or self._endless or steps < 0:  # which counts the passes
            return super().repeat(count, name=name)
        endless = EpochDataset(self._make, endless=True, facts=self.facts, has_steps=self._has_steps)
        return endless if count is None or count < 0 else endless.take(count * steps)

    def _kept(self, name, args, kwargs):
        """Returns the data after a method of `tf.data.Dataset`, still as a function of the place."""
        elementwise = name in _ELEMENTWISE

        def make(place, endless):
            return getattr(self._make(place, endless), name)(*args, **kwargs)

        if self._endless and not elementwise:
            return getattr(self._make(Place(), True), name)(*args, **kwargs)
        keeps = name in _KEEP_ROWS
        facts = self.facts if keeps else Facts(is_alternating=self.facts.is_alternating)
        return EpochDataset(make, self._repeats and elementwise, self._endless, facts, self._has_steps and keeps)


def _skipping(dataset, place):
    """Returns a dataset without the elements before the start step. The step is looked up at each iteration."""

    def look_up(_):
        step = tf.numpy_function(in_python(lambda: np.int64(place.step)), [], tf.int64)
        return tf.ensure_shape(step, [])

    skipping = tf.data.Dataset.range(1).map(look_up).flat_map(dataset.skip)
    return skipping.apply(tf.data.experimental.assert_cardinality(dataset.cardinality()))


def _method(name):
    def method(self, *args, **kwargs):
        return self._kept(name, args, kwargs)

    method.__doc__ = f"As `tf.data.Dataset.{name}`."
    return method


for _name in (*_ELEMENTWISE, *_OF_A_PASS):
    setattr(EpochDataset, _name, _method(_name))
