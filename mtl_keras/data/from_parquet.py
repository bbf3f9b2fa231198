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

    The files are read during training, so memory does not grow with their size. A shuffled pass reads the row groups of
    all files in a random order, and shuffles the rows within windows of `shuffle_rows`. The order depends only on
    `seed` and on the epoch. A resumed run continues reading at the window where it stopped. If the rows are sorted and
    a row group has more rows than a window, write smaller row groups. Needs `pip install "mtl_keras[files]"`.

    Numbers keep their dtype, except that float64 becomes float32 and bool labels become integers. Strings and
    categories of strings become strings. Lists of one length become an axis, `[B, L]`. Lists of different lengths are
    padded with 0 at the end, and padded labels have weight 0. A null is a missing label. In inputs, a null becomes NaN
    in numbers (which become floats), "" in strings, and an empty list among lists of different lengths; elsewhere it is
    an error. The batches have weights unless the statistics of the files prove that no label is missing, which is
    possible for integers.

    Args:
        files: A path, a pattern such as `"day-*.parquet"`, a folder, or a list of them.
        x: Inputs: a list of columns or `{input: column}`; or one column, for an input without a name. By default all
            columns that have no other use.
        y: Labels: a list of columns, one per task, or `{task: column}`. None for inputs only, for `predict`.
        batch_size: Number of rows in a batch.
        sample_weight: A column for all tasks, or `{task: column}`.
        missing: Value of missing labels in addition to null, as in `mask_missing`.
        shuffle: Whether to use a new random order in each epoch. `dataset.repeat()` continues with the next order.
        seed: An int32 number.
        shuffle_rows: Number of rows in a window, rounded up to whole batches. About three windows are in memory.
        lengths: `{column: length}`: lists are padded or cut to this length. None pads to the longest list of each
            batch; this is the default for columns whose lists have different lengths in the first rows.
        augment: As in `from_arrays`.
        drop_remainder: Whether to drop a last batch that is not full.
        weights: `"auto"`; or `"always"` (or `"elements"`) for batches that always have weights.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched.

    Raises:
        ImportError: If pyarrow is not installed.
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is cut off, or a column does not exist, differs between files, or has a type that tensors
            do not have. The error names the file and the column. Problems that only the rows show are errors at their
            batch.

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
