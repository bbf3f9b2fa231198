"""Reads Parquet files as a table in blocks; each row group is a block."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from mtl_keras._extras import need
from mtl_keras.data._column_of import Known, merged, shape_of_lists
from mtl_keras.data._roles import assign
from mtl_keras.data._table_source import TableSource, same_types
from mtl_keras.data._tables import Block, reading

_READ = 65_536  # rows to decode at a time


def parquet_source(paths: list[str], x: Any, y: Any, sample_weight: Any) -> TableSource:
    """Returns the table of Parquet files. Reads their footers, and the first rows of columns of lists.

    Args:
        paths: The files. Files without rows are ignored.
        x, y, sample_weight: As in `from_parquet`.
    """
    pa = need("pyarrow.parquet", "files", "`from_parquet`")
    source = None
    for path in paths:
        with reading(path), pa.ParquetFile(path) as file:
            if source is not None and not file.metadata.num_rows:
                continue
            types = dict(zip(file.schema_arrow.names, file.schema_arrow.types, strict=True))
            if source is None or not source.blocks:
                roles = assign(x, y, sample_weight, file.schema_arrow.names, path)
                source = TableSource(
                    path, roles, {name: types[name] for name in roles.columns}, _shapes(file, roles), []
                )
            same_types(source.types, types, path, source.where)
            strings = [name for name in source.types if _is_string(types[name])]
            for i in range(file.num_row_groups):
                group = file.metadata.row_group(i)
                _learn(source.known, group)
                if group.num_rows:
                    read = partial(_read, path, i, list(source.types), strings)
                    source.blocks.append(Block(path, group.num_rows, read))
    if source is None or not source.blocks:
        raise ValueError(
            f"`files` must have rows. Received: {len(paths)} files without rows, the first is {paths[0]!r}."
        )
    return source


def _read(path: str, group: int, names: list[str], strings: list[str], first: int) -> Iterator[Any]:
    """Yields the rows of a row group, starting at a row."""
    parquet = need("pyarrow.parquet", "files", "`from_parquet`")
    with parquet.ParquetFile(path, read_dictionary=strings) as file:
        for rows in file.iter_batches(_READ, row_groups=[group], columns=names):
            yield rows.slice(min(first, rows.num_rows))
            first = max(0, first - rows.num_rows)


def _shapes(file, roles):
    """Returns the facts about the columns that the first rows of a file show."""
    known = {name: Known(nulls=0) for name in roles.columns}
    lists = [name for name in roles.columns if hasattr(file.schema_arrow.field(name).type, "value_field")]
    if lists and file.metadata.num_rows:
        pa = need("pyarrow", "files", "`from_parquet`")
        first = pa.Table.from_batches([next(file.iter_batches(1024, columns=lists))])
        known |= {name: Known(nulls=None, shape=shape_of_lists(first.column(name))) for name in lists}
    return known


def _learn(known, group):
    """Adds the statistics of a row group to the facts about its columns."""
    found = {}
    for i in range(group.num_columns):
        column = group.column(i)
        if column.path_in_schema in known:
            statistics = column.statistics
            if statistics is None or not statistics.has_null_count:
                found[column.path_in_schema] = Known()
            elif not statistics.has_min_max:
                found[column.path_in_schema] = Known(nulls=statistics.null_count)
            else:
                found[column.path_in_schema] = Known(statistics.null_count, statistics.min, statistics.max)
    for name, one in known.items():
        if name in found:
            known[name] = found[name] if one == Known(nulls=0) else merged(one, found[name])


def _is_string(kind):
    types = need("pyarrow", "files", "`from_parquet`").types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(kind) or types.is_large_string(kind)
