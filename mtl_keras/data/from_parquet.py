"""Batches from Parquet files."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mtl_keras._types import Tensor, Tensors
from mtl_keras.data._batching import Batching
from mtl_keras.data._files import Files, find
from mtl_keras.data._parquet import parquet_source
from mtl_keras.data._table_source import source_batches


def from_parquet(
    files: Files,
    x: Any = None,
    y: Any = None,
    batch_size: int = 32,
    *,
    sample_weight: str | dict[str, str] | None = None,
    missing: Any = "auto",
    shuffle: bool = False,
    seed: int = 0,
    shuffle_rows: int = 65_536,
    lengths: dict[str, int | None] | None = None,
    augment: Callable[[Tensors, Tensor], Tensors] | None = None,
    drop_remainder: bool = False,
    weights: str = "auto",
) -> tf.data.Dataset:
    """Makes a `tf.data.Dataset` of batches `({input: x}, {task: y})` from the columns of Parquet files.

    The files are read while they are used: memory does not grow with their size. A shuffled pass takes the row groups
    of all files in a random order, and shuffles the rows within windows of `shuffle_rows`. The order depends on `seed`
    and on the epoch alone, and a run that is resumed reads on from the window that it stopped in. If the rows are
    sorted and a row group has more of them than a window, write smaller row groups. Needs
    `pip install "mtl_keras[files]"`.

    Numbers keep their dtype, but float64 becomes float32 and a bool label an integer one. Strings and categories of
    strings are strings. Lists of one length become an axis, `[B, L]`; lists of several lengths are padded with 0 at
    their end, and padded labels have weight 0. A null is a missing label. In inputs, it is NaN in numbers, which become
    floats, "" in strings, and an empty list among lists of several lengths; elsewhere it is an error. The batches have
    weights unless the files' statistics prove that no label is missing, as they can for integers.

    Args:
        files: A path, a pattern such as `"day-*.parquet"`, a folder, or a list of them.
        x: Inputs: a list of columns or `{input: column}`; or one column, for an input without a name. By default all
            columns without another use.
        y: Labels: a list of columns, which are the tasks, or `{task: column}`. None for inputs alone, for `predict`.
        batch_size: Number of rows in a batch.
        sample_weight: A column for all tasks, or `{task: column}`.
        missing: What stands for a missing label besides null, as in `mask_missing`.
        shuffle: Whether each epoch has a random order of its own. `dataset.repeat()` goes on with the next.
        seed: An int32 number.
        shuffle_rows: Number of rows in a window, rounded up to whole batches. About three windows are in memory.
        lengths: `{column: length}`, to which lists are padded and cut; None for the longest of each batch, as for all
            columns whose lists have several lengths in the first rows.
        augment: As in `from_arrays`.
        drop_remainder: Whether to leave out a last batch that is not full.
        weights: `"auto"`, or `"always"` (or `"elements"`) for batches that have weights in any case.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched.

    Raises:
        ImportError: If pyarrow is not installed.
        FileNotFoundError: If there is no such file.
        ValueError: If a file is cut off, or a column is not there, differs between files, or has a type that no tensor
            has. The error names the file and the column. What only the rows show is an error at their batch.

    Example:

    ```python
    import pandas as pd

    frame = pd.DataFrame({"age": [31.0, None, 58.0], "job": ["cook", "clerk", "cook"], "rich": [0, 1, None]})
    frame.to_parquet("people.parquet")
    train = mtl.data.from_parquet("people.parquet", x=["age", "job"], y=["rich"], batch_size=2)
    for x, y, sample_weight in train:
        print(x["job"].numpy(), y["rich"].numpy(), sample_weight["rich"].numpy())
    ```
    """
    batching = Batching(batch_size, shuffle, seed, drop_remainder, shuffle_rows, augment)
    source = parquet_source(find(files, ".parquet"), x, y, sample_weight)
    return source_batches(source, batching, missing, lengths, weights)
