"""Finds the rows of a CSV file."""

from collections.abc import Iterator

import numpy as np

BLOCK = 4 * 2**20  # bytes
_LONGEST = 64 * BLOCK  # bytes of a row
_NEWLINE, _RETURN, _QUOTE = b'\n\r"'


def header(path: str) -> tuple[bytes, int]:
    """Returns the first row of a file, without a byte order mark, and the position where the second row starts."""
    for start, end, _ in spans(path, 0, 2**16):
        text = read_bytes(path, start, end)
        size = int(_ends(text)[0]) + 1
        return text[:size].removeprefix(b"\xef\xbb\xbf"), size
    return b"", 0


def spans(path: str, start: int, size: int = BLOCK) -> Iterator[tuple[int, int, int]]:
    """Yields (start, end, number of rows) of pieces of a file, in bytes. Each piece ends at the end of a row.

    Line feeds in quotes do not end a row, and empty lines are not rows.

    Args:
        path: The file.
        start: Position where a row starts.
        size: Approximate number of bytes of a piece.
    """
    with open(path, "rb") as file:
        file.seek(start)
        rest = b""
        while True:
            read = file.read(size)
            text = rest + read
            if not text:
                return
            ends = _ends(text) if read else np.append(_ends(text), len(text) - 1)
            if len(ends):
                yield start, start + int(ends[-1]) + 1, _num_rows(text, ends)
                start, rest = start + int(ends[-1]) + 1, text[int(ends[-1]) + 1 :]
            elif len(text) > _LONGEST:
                raise ValueError(
                    f"{path}: a row must have at most {_LONGEST:,} bytes. Received: a longer row from byte {start:,} "
                    "on. Look there for a quote that is not closed."
                )
            else:
                rest = text


def read_bytes(path: str, start: int, end: int) -> bytes:
    """Returns some bytes of a file."""
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(end - start)


def _ends(text):
    """Returns the positions of the line feeds that are not in quotes."""
    array = np.frombuffer(text, "uint8")
    ends = np.flatnonzero(array == _NEWLINE)
    if b'"' in text:
        quotes = np.flatnonzero(array == _QUOTE)
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return ends


def _num_rows(text, ends):
    """Returns how many rows end at some positions, without empty lines."""
    array = np.frombuffer(text, "uint8")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + (array[ends] != _NEWLINE)  # the last row may end without one
    empty = (lengths == 0) | ((lengths == 1) & (array[starts] == _RETURN))
    return int(len(ends) - empty.sum())
