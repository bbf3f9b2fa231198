"""Decides which source each draw of an epoch comes from."""

from collections.abc import Callable, Iterator

import numpy as np

_BLOCK = 2**16  # draws that are ordered at once


class Schedule:
    """A random order of the draws of each epoch, with exact counts. It depends only on the seed and the epoch.

    Args:
        shares: Function of the epoch that returns the share of each source, [S].
        num_draws: Number of draws in an epoch.
        in_turn: Whether the sources take turns instead of a random order.
        seed: An integer of at least 0.
    """

    def __init__(self, shares: Callable[[int], np.ndarray], num_draws: int, in_turn: bool, seed: int):
        self._shares = shares
        self._num_draws = num_draws
        self._in_turn = in_turn
        self._seed = seed

    def counts(self, epoch: int) -> np.ndarray:
        """Returns the number of draws of each source in an epoch, [S]: its share, rounded so that the sum is exact."""
        exact = self._shares(epoch) * self._num_draws
        counts = np.floor(exact + 1e-9).astype("int64")
        if self._in_turn:
            return counts + (np.arange(len(counts)) < self._num_draws - counts.sum())
        largest = np.argsort(counts - exact, kind="stable")[: self._num_draws - counts.sum()]
        counts[largest] += 1
        return counts

    def before(self, epoch: int, draw: int = 0) -> np.ndarray:
        """Returns the number of draws of each source before draw number `draw` of an epoch, over all epochs, [S]."""
        total = sum((self.counts(e) for e in range(epoch)), np.zeros_like(self.counts(0)))
        for start, counts in self._blocks(epoch):
            if start + counts.sum() <= draw:
                total = total + counts
            else:
                order = self._order(epoch, start, counts)[: max(draw - start, 0)]
                return total + np.bincount(order, minlength=len(counts))
        return total

    def steps(self, epoch: int, first: int, size: int) -> Iterator[np.ndarray]:
        """Yields the source numbers of the draws of an epoch, from draw `first` on, `size` at a time."""
        left = np.empty(0, "int64")
        for start, counts in self._blocks(epoch):
            if start + counts.sum() > first:
                left = np.concatenate([left, self._order(epoch, start, counts)[max(first - start, 0) :]])
                whole = len(left) // size * size
                yield from left[:whole].reshape(-1, size)
                left = left[whole:]
        if len(left):
            yield left

    def _blocks(self, epoch):
        """Yields the first draw of each block and the number of draws of each source in it, as in one random order."""
        left = self.counts(epoch)
        random = np.random.default_rng((self._seed, epoch))
        for start in range(0, self._num_draws, _BLOCK):
            size = min(_BLOCK, self._num_draws - start)
            if self._in_turn:
                counts = np.bincount(np.arange(start, start + size) % len(left), minlength=len(left))
            else:
                counts = random.multivariate_hypergeometric(left, size)
            left = left - counts
            yield start, counts

    def _order(self, epoch, start, counts):
        if self._in_turn:
            return np.arange(start, start + counts.sum()) % len(counts)
        ordered = np.repeat(np.arange(len(counts)), counts)
        return np.random.default_rng((self._seed, epoch, start + 1)).permutation(ordered)
