"""Rows in chunks of any length: joins them, shuffles them within windows, and cuts them to other lengths.

A chunk is a list of arrays with one first axis, one array for each part of a row.
"""

from collections.abc import Iterable, Iterator

import numpy as np

Chunk = list[np.ndarray]


class Rows:
    """Returns the rows of a stream of chunks, any number at a time.

    Args:
        chunks: The chunks. The next one is read when its first row is needed.
    """

    def __init__(self, chunks: Iterable[Chunk]):
        self._chunks = iter(chunks)
        self._chunk: Chunk | None = None
        self._next = 0  # row of the chunk

    def take(self, num_rows: int) -> list[Chunk]:
        """Returns the next rows as parts of their chunks, without a copy; fewer rows at the end of the stream."""
        parts = []
        while num_rows > 0:
            if self._chunk is None or self._next >= len(self._chunk[0]):
                self._chunk, self._next = next(self._chunks, None), 0
                if self._chunk is None:
                    break
            end = self._next + num_rows
            part = [array[self._next : end] for array in self._chunk]
            self._next = end
            if len(part[0]):
                parts.append(part)
                num_rows -= len(part[0])
        return parts


def join(parts: list[Chunk]) -> Chunk:
    """Joins chunks, padded with zeros if their rows have different lengths."""
    return parts[0] if len(parts) == 1 else [np.concatenate(_padded(arrays)) for arrays in zip(*parts, strict=True)]


def cut(chunks: Iterable[Chunk], num_rows: int) -> Iterator[Chunk]:
    """Yields chunks of `num_rows` rows each; the last one may have fewer."""
    rows = Rows(chunks)
    while parts := rows.take(num_rows):
        yield join(parts)


def shuffle(chunks: Iterable[Chunk], num_rows: int, seed: tuple[int, ...], first: int = 0) -> Iterator[Chunk]:
    """Yields windows of `num_rows` rows, each in a random order that depends only on the seed and its number.

    Args:
        chunks: The chunks, starting with window `first`.
        num_rows: Number of rows in a window; the last one may have fewer.
        seed: Integers of at least 0.
        first: Number of the first window.
    """
    for number, window in enumerate(cut(chunks, num_rows), first):
        order = np.random.default_rng((*seed, number)).permutation(len(window[0]))
        yield [array[order] for array in window]


def _padded(arrays):
    """Pads arrays so that all axes except the first have the same length in each array."""
    if len({array.shape[1:] for array in arrays}) == 1:
        return arrays
    longest = np.max([array.shape[1:] for array in arrays], axis=0)
    fill = b"" if arrays[0].dtype == object else 0

    def padded(array):
        missing = [(0, n - size) for n, size in zip(longest, array.shape[1:], strict=True)]
        return np.pad(array, [(0, 0), *missing], constant_values=fill)

    return [padded(array) for array in arrays]
