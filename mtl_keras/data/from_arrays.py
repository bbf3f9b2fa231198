"""Turns arrays or data frames into a dataset of batches."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mtl_keras._arguments import choice
from mtl_keras._types import Tensor, Tensors
from mtl_keras.data._batching import Batching, batches_at_once
from mtl_keras.data._entering import warn_of_one_class
from mtl_keras.data._packed import Packed
from mtl_keras.data._passes import passes
from mtl_keras.data._read import check_lengths, read
from mtl_keras.data.mask_missing import mask_missing

WEIGHTS = ("auto", "always", "elements")


def from_arrays(
    x: Tensors,
    y: Tensors | None = None,
    batch_size: int = 32,
    *,
    sample_weight: Tensors | None = None,
    missing: Any = "auto",
    shuffle: bool = False,
    seed: int = 0,
    augment: Callable[[Tensors, Tensor], Tensors] | None = None,
    drop_remainder: bool = False,
    weights: str = "auto",
) -> tf.data.Dataset:
    """Makes a `tf.data.Dataset` of batches `(x, {task: y})` for `fit`, `evaluate` and `predict`.

    Labels may be missing: see `mask_missing`. If a label is missing or `sample_weight` is given, the batches are `(x,
    {task: y}, {task: weight})` with every task; with `weights="always"`, in any case. The order of an epoch depends
    only on `seed` and on the epoch, and so do the random numbers of `augment`: a resumed run continues as if it had not
    stopped.

    float64 becomes float32 and bool labels become integers; other dtypes, such as uint8 images, do not change. Lists of
    integers of different lengths in x, such as token ids, are padded with 0 at the end to the longest one.

    Args:
        x: Inputs: an array of shape [N, ...], a dict of arrays, or a pandas DataFrame, whose columns become
            a dict.
        y: Labels: `{task: array}`, each of shape [N] or [N, ...], or a DataFrame with one column per task. None for
            batches of inputs only, for `predict`.
        batch_size: Number of examples in a batch.
        sample_weight: `{task: array}` with every task, or one array for all, each of shape [N] or of the shape of its
            labels.
        missing: Value of missing labels, as in `mask_missing`. By default NaN in float labels, and -1 in integer labels
            without other negative values.
        shuffle: Whether to use a new random order in each epoch. `dataset.repeat()` continues with the next order.
        seed: An int32 number.
        augment: A function `(x, seed) -> x` on a batch of inputs. `seed` is an int32 tensor [2] for the
            `tf.random.stateless_*` functions. It differs for each batch of each epoch.
        drop_remainder: Whether to drop a last batch that is not full.
        weights: When the batches have weights: `"auto"`, if a label is missing or `sample_weight` is given; or
            `"always"`. If you mix datasets, for example by `tf.data.Dataset.sample_from_datasets`, all of them need
            weights. `"elements"` also gives weights always, with the shape of the labels wherever a part of a row can
            be missing. Use it for a mix in which some datasets have such rows.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched. Weights have the shape [N], or the shape of the labels if
        parts of rows are missing.

    Raises:
        ValueError: If lengths differ, a name is not a task, two columns have the same name, rows have different
            lengths, or it is not clear whether -1 means a missing label.

    Example:

    ```python
    images = np.random.default_rng(0).integers(0, 255, (10, 8, 8, 1), dtype="uint8")
    labels = {"digit": np.arange(10), "ink": np.where(np.arange(10) < 5, 0.5, np.nan)}
    train = mtl.data.from_arrays(images, labels, batch_size=4, shuffle=True)
    for x, y, sample_weight in train:
        print(x.shape, y["ink"].numpy(), sample_weight["ink"].numpy())
    ```
    """
    batching = Batching(batch_size, shuffle, seed, drop_remainder, augment=augment)
    choice("weights", weights, WEIGHTS)
    if y is None and sample_weight is not None:
        raise ValueError("`sample_weight` must be None where `y` is. Received: weights without labels.")
    named = {"x": read("x", x, pad=True)}
    if y is not None:
        named["y"] = _read_labels(y)
    if sample_weight is not None:
        named["sample_weight"] = read("sample_weight", sample_weight)
    num_examples = check_lengths(named)
    steps = batching.steps(num_examples)
    tensors = (named["x"],)
    if y is not None:
        with tf.device("CPU:0"):
            labels, masked = _mask(named["y"], named.get("sample_weight"), missing, weights)
        for task, label in labels.items():
            warn_of_one_class(task, label, masked and masked[task])
        tensors += (labels,) if masked is None else (labels, masked)

    packed = Packed(tensors if y is not None else tensors[0])
    window = batching.batch_size * batches_at_once(packed.bytes_per_row, batching.batch_size)
    full = num_examples // batching.batch_size * batching.batch_size
    end_of_pass = min(num_examples, steps * batching.batch_size)

    def windows_of(number, first, place):
        """Returns the number of the pass, the first step and the rows of each window: of whole batches or the rest."""
        key = batching.key(place)
        order = tf.range(num_examples)
        if key is not None:
            order = tf.random.experimental.stateless_shuffle(order, seed=tf.stack([key, number]))

        def one_window(start):
            end = tf.where(start < full, tf.minimum(start + window, full), end_of_pass)
            return number, start // batching.batch_size, order[start:end]

        starts = tf.data.Dataset.range(first * batching.batch_size, full, window)
        if full < end_of_pass:
            starts = starts.concatenate(tf.data.Dataset.range(full, end_of_pass, batching.batch_size))
        return starts.map(one_window)

    def to_batches(windows):
        return batching.batches(windows, packed.take, parallel=True)

    return passes(windows_of, to_batches, steps, batching.facts(num_examples))


def _read_labels(y):
    y = read("y", y)
    if not isinstance(y, dict) or not y:
        raise ValueError(
            "`y` must be a dict {task: labels} or a DataFrame with one column per task. "
            f"Received: {'no task' if isinstance(y, dict) else f'an array of shape {y.shape}'}. "
            'Name the task: `y={"digit": labels}`.'
        )
    return {task: tf.cast(label, tf.int32) if label.dtype == tf.bool else label for task, label in y.items()}


def _mask(y, weights, missing, when):
    """Returns the clean labels, and the weights: None if all are 1, [N] if each row is present or missing as a whole.

    Args:
        when: One of `WEIGHTS`: always, or always by element where possible.
    """
    clean, masked = mask_missing(y, weights, missing)
    if when == "elements":
        return clean, masked
    if when == "auto" and weights is None and all(tf.reduce_all(weight == 1) for weight in masked.values()):
        return clean, None
    for task, weight in masked.items():
        given = weights.get(task) if isinstance(weights, dict) else weights
        by_element = given is not None and tf.size(given) > weight.shape[0]
        if len(weight.shape) > 1 and not by_element:
            flat = tf.reshape(weight, [weight.shape[0], -1])
            if tf.reduce_all(flat == flat[:, :1]):
                masked[task] = flat[:, 0]
    return clean, masked
