"""Columns of Arrow tables as tensors, with one class per kind of column."""

from typing import Any

import numpy as np
import tensorflow as tf

from mtl_keras._extras import need
from mtl_keras.data._arrow import is_dictionary, list_lengths, list_values, numbers, spread


class Column:
    """A column of a table. Its windows become NumPy arrays, and their rows tensors.

    Abstract. A label that is null becomes 0 and is not valid.

    Args:
        key: Name of the column.
        role: `"x"`, `"y"` or `"sample_weight"`.
        nullable: Whether a value may be null.
    """

    specs: tuple[tf.TensorSpec, ...] = ()  # of the arrays of a window

    def __init__(self, key: str, role: str, nullable: bool):
        self.key = key
        self.role = role
        self.nullable = nullable

    @property
    def is_padded(self) -> bool:
        """Whether rows have different lengths, and are padded in a batch."""
        return False

    @property
    def by_batch(self) -> bool:
        """Whether the rows of a window are too many to take at once, or differ between two batches."""
        return False

    def check(self, array: Any, where: str) -> None:
        """Raises a ValueError unless rows can become arrays.

        Args:
            array: A `pyarrow.Array` or `pyarrow.ChunkedArray`.
            where: Name of the file in errors.
        """

    def arrays(self, chunked: Any) -> list[np.ndarray]:
        """Returns the arrays of a window from a `pyarrow.ChunkedArray` of checked rows."""
        raise NotImplementedError

    def take(self, arrays: tuple[tf.Tensor, ...], rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns rows of a window, and which of their values are valid, or None if all are."""
        raise NotImplementedError

    def _refuse_nulls(self, array, where):
        if array.null_count:
            raise ValueError(
                f"{where}: the column {self.key!r} must have no null, because its dtype cannot represent it. Fill the "
                "nulls in the file, or make the column one of floats."
            )


class Numbers(Column):
    """Numbers of one shape: `[N]`, or `[N, *shape]` from lists of one length.

    Args:
        key, role, nullable: As in `Column`.
        dtype: NumPy dtype of the batches.
        shape: Shape of a row.
    """

    def __init__(self, key: str, role: str, nullable: bool, dtype: np.dtype, shape: tuple[int, ...] = ()):
        super().__init__(key, role, nullable)
        self._dtype = np.dtype(dtype)
        self._shape = shape
        self._has_mask = role == "y" and nullable and self._dtype.kind != "f"
        self.specs = (tf.TensorSpec([None, *shape], self._dtype),)
        if self._has_mask:
            self.specs += (tf.TensorSpec([None, *shape], tf.bool),)

    def check(self, array, where):
        holds_nulls = self.role != "sample_weight" and (self._dtype.kind == "f" or self._has_mask)
        for depth, size in enumerate(self._shape):
            if not holds_nulls or depth:
                self._refuse_nulls(array, where)
            lengths = list_lengths(array.drop_null())
            wrong = lengths[lengths != size]
            if len(wrong):
                raise ValueError(
                    f"{where}: the column {self.key!r} must have lists of {size} values, as in its first rows. "
                    f"Received: one of {wrong[0]}. To pad lists of several lengths, name the column in `lengths`: "
                    f"`lengths={{{self.key!r}: 128}}`, or None for the longest of each batch."
                )
            array = list_values(array)
        if not holds_nulls:
            self._refuse_nulls(array, where)

    def arrays(self, chunked):
        rows = len(chunked)
        valid_rows = chunked.is_valid().to_numpy() if self._shape and chunked.null_count else None
        for _ in self._shape:
            chunked = list_values(chunked)
        values, valid = numbers(chunked, self._dtype)
        if valid_rows is not None:  # whole lists are null
            valid = np.ones(len(values), bool) if valid is None else valid
            values = spread(values, valid_rows, self._shape, np.nan if self._dtype.kind == "f" else 0)
            valid = spread(valid, valid_rows, self._shape, False)
        values = values.reshape(rows, *self._shape)
        if not self._has_mask:
            return [values]
        return [values, np.ones(values.shape, bool) if valid is None else valid.reshape(values.shape)]

    def take(self, arrays, rows):
        taken = [tf.gather(array, rows) for array in arrays]
        return taken[0], taken[1] if self._has_mask else None


class Strings(Column):
    """Strings `[N]`. A window has each distinct string once. A null is the empty string."""

    specs = (tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.string))

    def arrays(self, chunked):
        pa = need("pyarrow", "files", "Reading a table")
        array = chunked.unify_dictionaries().combine_chunks() if is_dictionary(chunked) else chunked.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # above 2 GB it still has several chunks
            array = pa.concat_arrays(array.chunks)
        array = array if is_dictionary(array) else array.dictionary_encode()
        indices, values = array.indices, array.dictionary
        values = values.cast(pa.large_binary()).to_numpy(zero_copy_only=False)
        values = np.array([b"" if value is None else value for value in values] + [b""], object)
        indices = indices.fill_null(len(values) - 1) if indices.null_count else indices
        return [indices.to_numpy(zero_copy_only=False).astype("int32", copy=False), values]

    def take(self, arrays, rows):
        return tf.gather(arrays[1], tf.gather(arrays[0], rows)), None


class Bytes(Column):
    """Bytes `[N]`, unchanged."""

    specs = (tf.TensorSpec([None], tf.string),)

    def check(self, array, where):
        self._refuse_nulls(array, where)

    def arrays(self, chunked):
        return [chunked.to_numpy().astype(object)]

    def take(self, arrays, rows):
        return tf.gather(arrays[0], rows), None


class Images(Column):
    """Encoded images, decoded to `[N, height, width, channels]`.

    Args:
        key, role, nullable: As in `Column`.
        shape: Shape of all images.
    """

    specs = (tf.TensorSpec([None], tf.string),)

    def __init__(self, key: str, role: str, nullable: bool, shape: tuple[int, int, int]):
        super().__init__(key, role, nullable)
        self._shape = shape

    @property
    def by_batch(self):
        return True

    def check(self, array, where):
        self._refuse_nulls(array, where)
        for chunk in getattr(array, "chunks", [array]):
            self._refuse_nulls(chunk.field("bytes"), where)

    def arrays(self, chunked):
        return [np.array([encoded for chunk in chunked.chunks for encoded in chunk.field("bytes").to_pylist()], object)]

    def take(self, arrays, rows):
        def decode(encoded):
            image = tf.io.decode_image(encoded, expand_animations=False)
            text = f"The column `{self.key}` must hold images of one size, {self._shape}. Resize them in the data set."
            same = tf.debugging.assert_equal(tf.shape(image), self._shape, message=text)
            with tf.control_dependencies([same]):
                return tf.ensure_shape(tf.identity(image), self._shape)

        return tf.map_fn(decode, tf.gather(arrays[0], rows), fn_output_signature=tf.uint8), None


class Ragged(Column):
    """Lists of different lengths, such as token ids, padded with 0 in each batch.

    Args:
        key, role, nullable: As in `Column`.
        dtype: NumPy dtype of the batches.
        length: Length to pad or cut to; None for the longest list of the batch.
    """

    def __init__(self, key: str, role: str, nullable: bool, dtype: np.dtype, length: int | None):
        super().__init__(key, role, nullable)
        self._dtype = np.dtype(dtype)
        self._length = length
        self.specs = (
            tf.TensorSpec([None], self._dtype),
            tf.TensorSpec([None], tf.bool),
            tf.TensorSpec([None], "int64"),
        )

    @property
    def is_padded(self):
        return True

    @property
    def by_batch(self):
        return True

    def check(self, array, where):
        if self.role != "y":
            self._refuse_nulls(list_values(array), where)

    def arrays(self, chunked):
        lengths = list_lengths(chunked)
        values, valid = numbers(list_values(chunked), self._dtype)
        valid = np.ones(len(values) if self.role == "y" else 0, bool) if valid is None else valid
        return [values, valid, np.concatenate([[0], np.cumsum(lengths)]).astype("int64")]

    def take(self, arrays, rows):
        values, valid, splits = arrays

        def padded(flat):
            ragged = tf.RaggedTensor.from_row_splits(flat, splits, validate=False)
            return tf.gather(ragged, rows).to_tensor(shape=[None, self._length])

        return padded(values), padded(valid) if self.role == "y" else None
