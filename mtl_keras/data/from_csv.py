"""Batches from CSV files."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mtl_keras._types import Tensor, Tensors
from mtl_keras.data._batching import Batching
from mtl_keras.data._csv import csv_source
from mtl_keras.data._files import Files, find
from mtl_keras.data._table_source import source_batches


def from_csv(
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
    delimiter: str = ",",
    dtypes: dict[str, Any] | None = None,
    augment: Callable[[Tensors, Tensor], Tensors] | None = None,
    drop_remainder: bool = False,
    weights: str = "auto",
) -> tf.data.Dataset:
    """Makes a `tf.data.Dataset` of batches `({input: x}, {task: y})` from the columns of CSV files.

    Works like `from_parquet`, for CSV files (RFC 4180) whose first row has the names of the columns. The rows are
    counted first, in one pass without parsing. They are then read in blocks of 4 MiB. Parquet files are read about
    twice as fast. Needs `pip install "mtl_keras[files]"`.

    The types of the columns are inferred from the first MiB of each file: integers, floats (float32), booleans and
    strings. Everything else is a string, including dates. An empty field is null, and so are "NA", "NaN", "null" and
    the like; in a column of strings, these words are ordinary strings. If a column of integers has no empty field in
    these rows, it must not have one later, unless it is a label. `dtypes={"age": "float32"}` reads it as floats, with
    NaN.

    Args:
        files, x, y, batch_size, sample_weight, missing, shuffle, seed, shuffle_rows, augment, drop_remainder, weights:
            As in `from_parquet`. The names in a folder end in ".csv".
        delimiter: One character between the values.
        dtypes: `{column: dtype}`, such as "int64", "float32" or "string", for columns whose first rows do not show the
            type.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched. If it has labels, it has weights.

    Raises:
        ImportError: If pyarrow is not installed.
        FileNotFoundError: If a file does not exist.
        ValueError: As in `from_parquet`.

    Example:

    ```python
    with open("people.csv", "w") as file:
        file.write("age,job,rich\\n31,cook,0\\n,clerk,1\\n58,cook,\\n")
    train = mtl.data.from_csv("people.csv", x=["age", "job"], y=["rich"], batch_size=2)
    for x, y, sample_weight in train:
        print(x["job"].numpy(), y["rich"].numpy(), sample_weight["rich"].numpy())
    ```
    """
    batching = Batching(batch_size, shuffle, seed, drop_remainder, shuffle_rows, augment)
    source = csv_source(find(files, ".csv"), x, y, sample_weight, delimiter, dtypes)
    return source_batches(source, batching, missing, None, weights)
