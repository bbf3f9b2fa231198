"""Mixes several datasets into one."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._arguments import choice, count, error, number
from mtl_keras.data._batching import batches_at_once, bytes_per_row, split, stacked
from mtl_keras.data._epochs import EpochDataset, Facts
from mtl_keras.data._generated import generated
from mtl_keras.data._joint import Joint
from mtl_keras.data._mix_source import MixSource
from mtl_keras.data._passes import passes
from mtl_keras.data._schedule import Schedule
from mtl_keras.data.annealed import Annealed
from mtl_keras.data.temperature import Temperature

STRATEGIES = ("proportional", "uniform", "round_robin")


def mix(
    sources: dict[str, tf.data.Dataset],
    strategy: str | Temperature | Annealed | dict[str, float] = "proportional",
    *,
    unit: str = "row",
    batch_size: int = 32,
    steps_per_epoch: int | str = "all",
    shuffle_rows: int = 10_000,
    seed: int = 0,
) -> EpochDataset:
    """Mixes the rows of several datasets, which may have labels for different tasks.

    The batches are `(x, {task: y}, {task: weight})` with all tasks. If a source has no labels for a task, they are
    missing: weight 0. The sources are repeated as needed, in a new order on every pass. The content of a step depends
    only on the seed, the epoch and the step, so that a training can be resumed. Each epoch has an exact number of rows
    from each source, which `fit` logs as `rows_{source}`.

    Args:
        sources: `{name: dataset}` of batches or of single rows `(x, {task: y})` or `(x, {task: y}, sample_weight)`,
            without `repeat()`. A dataset counts as batches if all its parts have the same first axis. A dataset of this
            package has a new order on each pass, even with `shuffle=False`. Other datasets are shuffled within windows.
            They are read once at the start if `strategy` or `steps_per_epoch` needs their number of rows.
        strategy: The share of each source in an epoch:

            - `"proportional"`: by its number of rows, so that all rows count equally;
            - `"uniform"`: the same for all sources;
            - `"round_robin"`: the same for all sources, in turn;
            - `Temperature(t)`: by its number of rows to the power of 1 / t;
            - `Annealed(epochs)`: proportional at first, more even with each epoch;
            - `{source: number}`: in proportion to these numbers, above 0.
        unit: What is drawn. `"row"`: a batch has rows of all sources. `"batch"`: each batch has rows of one source. A
            weighting that reads gradients then sees one task at a time and can only sum them. Also, the averages of a
            batch norm then mix statistics that no batch has. Prefer `"row"`, or freeze the batch norm by
            `mtl_keras.callbacks.Freeze`.
        batch_size: Number of rows in a batch.
        steps_per_epoch: The length of an epoch, the same for all sources. `"all"`: until the largest source was read
            once; `"shortest"`: until the first source was read once; or a number of batches.
        shuffle_rows: Number of rows in a shuffle window, for datasets from outside this package.
        seed: An integer, at least 0.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched. The rows of a batch are in random order.

    Raises:
        ValueError: If a source has no labels by task, no row or no end, the inputs or the labels of one task differ in
            name, dtype or shape, or an argument is out of range.

    Example:

    ```python
    digits = mtl.data.from_arrays(np.zeros((60, 8)), {"digit": np.arange(60) % 10})
    letters = mtl.data.from_arrays(np.ones((20, 8)), {"letter": np.arange(20) % 5})
    train = mtl.data.mix({"digits": digits, "letters": letters}, mtl.data.Temperature(2.0), batch_size=8)
    for x, y, sample_weight in train.take(1):
        print(sample_weight["digit"].numpy() + sample_weight["letter"].numpy())  # 1 for each row
    ```

    Reference:
        The strategies are those of T5 (C. Raffel et al., 2020) and of BERT and PALs (A. C. Stickland, I. Murray, 2019);
        see `Temperature` and `Annealed`. Departures: counts are exact in each epoch, where the papers draw at random.
    """
    choice("unit", unit, ("row", "batch"))
    batch_size, seed = count("batch_size", batch_size), count("seed", seed, at_least=0)
    shuffle_rows = count("shuffle_rows", shuffle_rows)
    if not isinstance(sources, dict) or len(sources) < 2:
        raise ValueError(error("sources", "a dict {name: dataset} with at least two of them", sources))
    shares_of = _shares(strategy, list(sources))
    seeds = np.random.default_rng(seed).integers(2**31, size=len(sources)).tolist()
    read = [MixSource(name, source, shuffle_rows, s) for s, (name, source) in zip(seeds, sources.items(), strict=True)]
    joint = Joint(read)
    sizes = [source.num_rows for source in read]

    def shares(epoch):
        return shares_of(sizes, epoch)

    num_rows = _num_rows(steps_per_epoch, sizes, shares(0), batch_size)
    steps = -(-num_rows // batch_size)
    by_row = unit == "row"
    has_lengths = not all(part.shape[1:].is_fully_defined() for part in tf.nest.flatten(joint.spec))  # one per batch
    at_once = 1 if has_lengths else batches_at_once(bytes_per_row(joint.spec), batch_size)
    schedule = Schedule(shares, num_rows if by_row else steps, strategy == "round_robin", seed)
    rows_per_draw = 1 if by_row else batch_size

    def windows_of(epoch: int, first: int, place: Any) -> Iterator[Any]:
        start = first * batch_size if by_row else first
        positions = schedule.before(epoch, start) * rows_per_draw
        rows = [source.rows_from(int(p), joint.chunk) for source, p in zip(read, positions, strict=True)]
        orders = schedule.steps(epoch, start, batch_size if by_row else 1)
        step = first
        while some := list(itertools.islice(orders, at_once - step % at_once)):
            for order in split(np.repeat(np.concatenate(some), rows_per_draw), batch_size):
                counts = np.bincount(order, minlength=len(read))
                step += -(-len(order) // batch_size)
                yield step, joint.batch(order, {i: rows[i].take(int(n)) for i, n in enumerate(counts) if n})

    def rows_before(step):
        epoch, step = divmod(step, steps)
        return schedule.before(epoch, min(step * batch_size, num_rows) if by_row else step) * rows_per_draw

    def rows_of(epoch: int, steps_per_epoch: int | None) -> dict[str, int]:
        length = steps_per_epoch or steps
        counts = rows_before((epoch + 1) * length) - rows_before(epoch * length)
        return dict(zip(sources, map(int, counts), strict=True))

    def to_batches(windows):
        return windows.prefetch(1).map(lambda *rows: stacked(rows, batch_size)).unbatch()

    num_rows = num_rows if by_row else steps * batch_size
    facts = Facts(num_rows, batch_size, rows_of, is_alternating=unit == "batch" and joint.is_partial)
    windows = generated(windows_of, joint.spec, num_rows, batch_size, steps, at_once)
    return passes(windows, to_batches, steps, facts)


def _shares(strategy: Any, names: list[str]) -> Callable[[list[int], int], np.ndarray]:
    """Returns the function that computes the shares from the numbers of rows and the epoch."""
    if isinstance(strategy, Temperature | Annealed):
        return strategy.shares
    if isinstance(strategy, dict):
        if set(strategy) != set(names):
            raise ValueError(f"`strategy` must have the sources {names} as keys. Received: {list(strategy)}.")
        parts = np.array([number(f"strategy[{name!r}]", strategy[name], above=0) for name in names], float)
        return lambda sizes, epoch: parts / parts.sum()
    known = f"one of {', '.join(map(repr, STRATEGIES))}, a Temperature, an Annealed or a dict {{source: number}}"
    if not isinstance(strategy, str) or strategy not in STRATEGIES:
        raise ValueError(error("strategy", known, strategy))
    if strategy == "proportional":
        return Temperature(1.0).shares
    return lambda sizes, epoch: np.full(len(sizes), 1 / len(sizes))


def _num_rows(steps_per_epoch, sizes, shares, batch_size):
    """Returns how many rows an epoch has."""
    if steps_per_epoch == "all":
        largest = int(np.argmax(sizes))
        return int(np.ceil(sizes[largest] / shares[largest] - 1e-6))
    if steps_per_epoch == "shortest":
        return max(int(np.min(np.array(sizes) / shares) + 1e-6), 1)
    return count("steps_per_epoch", steps_per_epoch, hint='Use a number, "all" or "shortest".') * batch_size
