"""A table in files, and its batches: the code common to all formats."""

import dataclasses
from typing import Any

from mtl_keras._arguments import by_task, choice, error
from mtl_keras._extras import need
from mtl_keras.data._batching import Batching
from mtl_keras.data._column import Column
from mtl_keras.data._column_of import Known, column_of, is_proven
from mtl_keras.data._epochs import EpochDataset
from mtl_keras.data._roles import Roles
from mtl_keras.data._tables import Block, table_batches
from mtl_keras.data.from_arrays import WEIGHTS


@dataclasses.dataclass(frozen=True)
class TableSource:
    """A table in blocks.

    Args:
        where: Name of the table in errors.
        roles: The columns by role.
        types: `{column: pyarrow.DataType}` of these columns.
        known: `{column: Known}`, facts about the values.
        blocks: The blocks of rows.
        columns: `{column: Column}` of columns whose kind does not follow from their type, such as images.
    """

    where: str
    roles: Roles
    types: dict[str, Any]
    known: dict[str, Known]
    blocks: list[Block]
    columns: dict[str, Column] = dataclasses.field(default_factory=dict)


def source_batches(
    source: TableSource, batching: Batching, missing: Any, lengths: dict[str, int | None] | None, weights: str
) -> EpochDataset:
    """Returns the batches of a source.

    Args:
        source: The source.
        batching: How rows become batches.
        missing, lengths, weights: As in `from_parquet`.
    """
    choice("weights", weights, WEIGHTS)
    lengths = _check_lengths(lengths, source)
    if isinstance(missing, dict):
        by_task("missing", missing, source.roles.y)
    blocks = [block for block in source.blocks if block.num_rows]
    if not blocks:
        raise ValueError(f"{source.where}: there must be rows. Received: none.")

    columns = columns_of(source, lengths)
    has_weights = weights != "auto" or columns.sample_weight is not None or may_lack_labels(source, columns.y, missing)
    return table_batches(blocks, columns, batching, has_weights=has_weights, missing=missing)


def columns_of(source: TableSource, lengths: dict[str, int | None]) -> Roles:
    """Returns the `Column`s of a source by role."""

    def column(name, role):
        if name in source.columns:
            return source.columns[name]
        known = source.known.get(name, Known())
        return column_of(source.types[name], name, role, known, lengths, source.where)

    return source.roles.map(column)


def may_lack_labels(source: TableSource, y: dict[str, Column], missing: Any = "auto") -> bool:
    """Whether a label may be missing: False if the known facts about the labels prove that none is.

    Args:
        source: The source.
        y: `{task: Column}`.
        missing: As in `mask_missing`.
    """
    missing = missing if isinstance(missing, dict) else dict.fromkeys(y, missing)
    known = {task: source.known.get(name, Known()) for task, name in source.roles.y.items()}
    return not all(is_proven(column, known[task], missing.get(task, "auto")) for task, column in y.items())


def same_types(one: dict[str, Any], other: dict[str, Any], where: str, first: str) -> None:
    """Raises a ValueError unless two files have the same columns with the same types.

    Args:
        one: `{column: type}` of the first file.
        other: `{column: type}` of the other file.
        where, first: Names of the other file and of the first one in errors.
    """
    for name, kind in one.items():
        if name not in other:
            raise ValueError(f"{where}: the column {name!r} is missing, but {first} has it. Received: {list(other)}.")
        if _plain(kind) != _plain(other[name]):
            raise ValueError(
                f"{where}: the column {name!r} must be {kind}, as in {first}. Received: {other[name]}. Convert it in "
                "one of the files."
            )


def _plain(kind):
    """Returns a type without its dictionary encoding."""
    types = need("pyarrow", "files", "Reading a table").types
    return kind.value_type if types.is_dictionary(kind) else kind


def _check_lengths(lengths, source):
    lengths = {} if lengths is None else lengths
    if not isinstance(lengths, dict):
        raise ValueError(error("lengths", "a dict {column: length or None}", lengths))
    for name in lengths:
        if name not in source.types or not hasattr(source.types[name], "value_field"):
            lists = [column for column, kind in source.types.items() if hasattr(kind, "value_field")]
            raise ValueError(f"`lengths` must name columns of lists, out of {lists}. Received: {name!r}.")
    return lengths
