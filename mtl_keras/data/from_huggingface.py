"""Batches from Hugging Face data sets."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import tensorflow as tf

from mtl_keras._arguments import error
from mtl_keras._extras import need
from mtl_keras._types import Tensor, Tensors
from mtl_keras.data._batching import Batching
from mtl_keras.data._column import Images
from mtl_keras.data._column_of import Known, shape_of_lists
from mtl_keras.data._roles import assign
from mtl_keras.data._table_source import TableSource, source_batches
from mtl_keras.data._tables import Block

_BLOCK = 1024  # rows


def from_huggingface(
    dataset: Any,
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
    """Makes a `tf.data.Dataset` of batches `({input: x}, {task: y})` from a Hugging Face data set.

    Works like `from_parquet`, for a `datasets.Dataset`. Its Arrow files are read during training, so memory does not
    grow with their size. Class labels are integers, and -1 is missing. Images of one size are decoded by batch to uint8
    `[B, height, width, channels]`. A shuffled pass reads blocks of 1024 rows in a random order. After
    `dataset.shuffle()` or `dataset.select(...)`, call `dataset.flatten_indices()`: it copies the rows, which are then
    read faster. Needs `pip install "mtl_keras[huggingface]"`.

    Args:
        dataset: A `datasets.Dataset`: one split.
        x, y, sample_weight, missing, lengths: As in `from_parquet`.
        batch_size, shuffle, seed, shuffle_rows, augment, drop_remainder, weights: As in `from_parquet`.

    Returns:
        A `tf.data.Dataset` of known cardinality, prefetched.

    Raises:
        ImportError: If datasets is not installed.
        ValueError: As in `from_parquet`, or if `dataset` is not a `datasets.Dataset`.

    Example:

    ```python
    import datasets

    reviews = datasets.Dataset.from_dict({"text": ["good", "bad", "so"], "stars": [5, 1, 3], "spam": [0, 1, -1]})
    train = mtl.data.from_huggingface(reviews, x="text", y=["stars", "spam"], batch_size=2, shuffle=True)
    ```
    """
    batching = Batching(batch_size, shuffle, seed, drop_remainder, shuffle_rows, augment)
    package = need("datasets", "huggingface", "`from_huggingface`")
    if not isinstance(dataset, package.Dataset):
        hint = f"Choose a split: {', '.join(dataset)}." if isinstance(dataset, dict) else ""
        raise ValueError(error("dataset", "a `datasets.Dataset`", type(dataset).__name__, hint))
    if not dataset.num_rows:
        raise ValueError("`dataset` must have rows. Received: none.")
    roles = assign(x, y, sample_weight, dataset.column_names, "the data set")
    formatted = dataset.select_columns(roles.columns).with_format("arrow")
    first = _plain(formatted[:1024])
    images = [name for name in roles.columns if isinstance(dataset.features[name], package.Image)]
    known = {
        name: _known(first.column(name), dataset.data.column(name)) for name in roles.columns if name not in images
    }
    blocks = [
        Block("the data set", min(_BLOCK, dataset.num_rows - start), partial(_read, formatted, start))
        for start in range(0, dataset.num_rows, _BLOCK)
    ]
    types = dict(zip(first.column_names, first.schema.types, strict=True))
    columns = {name: _image_column(name, first.column(name)) for name in images}
    return source_batches(
        TableSource("the data set", roles, types, known, blocks, columns), batching, missing, lengths, weights
    )


def _read(dataset: Any, start: int, first: int) -> Iterator[Any]:
    """Yields the rows of a block, starting at a row."""
    yield _plain(dataset[start + first : min(start + _BLOCK, dataset.num_rows)])


def _plain(table):
    """Returns a table without extension types."""
    pa = need("pyarrow", "huggingface", "`from_huggingface`")
    columns = [
        pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
        if isinstance(column.type, pa.BaseExtensionType)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _known(first, column):
    """Returns facts about a column from its first rows, or from all rows if it holds numbers only."""
    types, compute = (need(f"pyarrow{part}", "huggingface", "`from_huggingface`") for part in (".types", ".compute"))
    if hasattr(first.type, "value_field"):
        return Known(shape=shape_of_lists(first))
    if not types.is_integer(column.type):
        return Known(nulls=column.null_count)
    bounds = compute.min_max(column).as_py()
    return Known(column.null_count, bounds["min"], bounds["max"])


def _image_column(name, column):
    """Returns the column of images; all must have the size of the first one."""
    encoded = column[0].as_py()
    encoded = encoded and encoded["bytes"]
    if encoded is None:
        raise ValueError(
            f"the data set: the column {name!r} must hold images. Received: a path, or null. Put the files into the "
            "data set, such as by `dataset.map(lambda example: example)`, and fill or remove nulls."
        )
    try:
        shape = tuple(tf.io.decode_image(encoded, expand_animations=False).shape)
    except tf.errors.InvalidArgumentError as reason:
        raise ValueError(
            f"the data set: the column {name!r} must hold images that TensorFlow decodes: PNG, JPEG, GIF or BMP."
        ) from reason
    return Images(name, "x", False, shape)
