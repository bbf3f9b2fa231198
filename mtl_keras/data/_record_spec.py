"""The JSON file of record files, and the conversion between examples and tensors."""

import dataclasses
import json
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

ROLES = ("x", "y", "sample_weight")
NAME = "records.json"
_FORMAT = 1
_DECODED_AS = {"bool": "uint8", "uint32": "int32", "uint64": "int64"}  # for dtypes that `tf.io.decode_raw` lacks
_SCALARS = ("float32", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "bool")


@dataclasses.dataclass(frozen=True)
class Feature:
    """An array of each row, stored under a name.

    Numbers are stored as their bytes, little-endian; single numbers as a float or int64; strings unchanged. The first
    axis may have a different length in each row: it is padded with 0 in a batch.

    Args:
        role: `"x"`, `"y"` or `"sample_weight"`.
        key: Name of the input or task; None for an input without a name, and for the weight of all tasks.
        dtype: NumPy's name of the dtype, or "string".
        shape: Shape of a row, with None for a first axis whose length varies.
    """

    role: str
    key: str | None
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def name(self) -> str:
        """Name in the examples."""
        return self.role if self.key is None else f"{self.role}/{self.key}"

    @property
    def is_scalar(self) -> bool:
        """Whether a row is one number that an example stores without loss."""
        return self.shape == () and self.dtype in _SCALARS

    @property
    def parsed(self) -> Any:
        """The feature for `tf.io.parse_example`."""
        if self.dtype == "string":
            return tf.io.FixedLenFeature(self.shape, tf.string)
        if not self.is_scalar:
            return tf.io.FixedLenFeature([], tf.string)
        return tf.io.FixedLenFeature([], tf.float32 if self.dtype == "float32" else tf.int64)

    def decode(self, stored: tf.Tensor) -> tf.Tensor:
        """Decodes a parsed batch to an array of the feature's dtype and shape."""
        if self.dtype == "string":
            return stored
        if self.is_scalar:
            return tf.cast(stored, self.dtype)
        dtype = tf.as_dtype(_DECODED_AS.get(self.dtype, self.dtype))
        length = tf.reduce_max(tf.strings.length(stored)) if None in self.shape else None  # all others are padded to it
        flat = tf.io.decode_raw(stored, dtype, fixed_length=length)
        size = [-1 if n is None else n for n in self.shape]
        values = tf.ensure_shape(tf.reshape(flat, [tf.shape(stored)[0], *size]), [None, *self.shape])
        if self.dtype == "bool":
            return tf.cast(values, tf.bool)
        return tf.bitcast(values, self.dtype) if self.dtype in _DECODED_AS else values

    def encode(self, value: np.ndarray) -> tf.train.Feature:
        """Returns the stored form of an array."""
        if self.dtype == "string":
            strings = value.ravel().tolist() if self.shape else [value]
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=strings))
        if not self.is_scalar:
            little = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[little.tobytes()]))
        if self.dtype == "float32":
            return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))


@dataclasses.dataclass(frozen=True)
class Shard:
    """Records of a file.

    Args:
        path: Path of the file.
        num_rows: Number of records.
        first: Number of records before them.
    """

    path: str
    num_rows: int
    first: int = 0


def features_of(dataset: tf.data.Dataset) -> list[Feature]:
    """Returns the features of a dataset, or raises a ValueError if its elements are not batches of arrays."""
    spec = dataset.element_spec
    found = []
    for role, part in zip(ROLES, spec if isinstance(spec, tuple) else (spec,), strict=False):
        for key, one in part.items() if isinstance(part, dict) else [(None, part)]:
            name = f"`{role}`" if key is None else f"`{role}[{key!r}]`"
            if not isinstance(one, tf.TensorSpec) or one.shape.rank is None:
                raise ValueError(f"{name} must be a tensor with a known number of axes. Received: {one}.")
            if one.shape.rank == 0:
                raise ValueError(f"`dataset` must have batches. Received: single examples, with {name} of shape ().")
            shape = tuple(one.shape[1:])
            if None in shape[1:] or (one.dtype == tf.string and None in shape):
                raise ValueError(
                    f"{name} must have rows that differ at most in their first axis. Received: {one.shape}."
                )
            found.append(Feature(role, key, one.dtype.name, shape))
    return found


def structured(features: list[Feature], values: list[Any]) -> Any:
    """Arranges the values of the features as x, (x, y) or (x, y, sample_weight)."""
    parts: dict[str, Any] = {}
    for feature, value in zip(features, values, strict=True):
        if feature.key is None:
            parts[feature.role] = value
        else:
            parts.setdefault(feature.role, {})[feature.key] = value
    return tuple(parts[role] for role in ROLES if role in parts) if len(parts) > 1 else parts["x"]


def write_spec(folder: pathlib.Path, features: list[Feature], rows: dict[str, int]) -> None:
    """Writes the JSON file of the record files.

    Args:
        folder: Folder of the record files.
        features: The arrays of a row.
        rows: `{file: number of rows}`.
    """
    shards = [{"file": file, "rows": n, "bytes": (folder / file).stat().st_size} for file, n in rows.items()]
    spec = {"format": _FORMAT, "features": [dataclasses.asdict(feature) for feature in features], "shards": shards}
    (folder / NAME).write_text(json.dumps(spec, indent=1) + "\n", encoding="utf-8")


def read_spec(folder: str | os.PathLike) -> tuple[list[Feature], list[Shard]]:
    """Returns the arrays of a row and the files that the JSON file in a folder names.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is cut off, or the JSON file was not written by `write_records`.
    """
    folder = pathlib.Path(folder)
    if not (folder / NAME).is_file():
        raise FileNotFoundError(
            f"{folder}: there must be the file {NAME!r}, which `write_records` writes. For other "
            "record files, pass a function `parse`."
        )
    try:
        spec = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if spec["format"] != _FORMAT:
            raise ValueError(f"format {spec['format']}")
        features = [Feature(**{**feature, "shape": tuple(feature["shape"])}) for feature in spec["features"]]
        shards = [(str(folder / shard["file"]), shard["rows"], shard["bytes"]) for shard in spec["shards"]]
    except (KeyError, TypeError, ValueError) as reason:
        raise ValueError(f"{folder / NAME} is not a file of `write_records`: {reason!r}.") from reason
    for path, _, size in shards:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"{path} does not exist, but {folder / NAME} names it.")
        if os.path.getsize(path) != size:
            raise ValueError(f"{path} must have {size:,} bytes. Received: {os.path.getsize(path):,}. It is cut off.")
    return features, [Shard(path, num_rows) for path, num_rows, _ in shards if num_rows]
