"""The data of a study, and how each run reads them."""

import hashlib
from typing import Any

import numpy as np

from mtl_keras.data import from_arrays

WAYS = "arrays `(x, {task: y})`, a `tf.data.Dataset`, or a function of the seed that returns either"


class Data:
    """One of the parts `train`, `valid` and `test`.

    Args:
        name: The name of the part.
        given: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames; a `tf.data.Dataset` of
            batches; or a function of the seed that returns either.
        batch_size: Number of rows in a batch, for arrays.
        shuffle: Whether the rows of arrays have a different order in each epoch and for each seed.

    Raises:
        ValueError: If `given` is none of these.
    """

    def __init__(self, name: str, given: Any, batch_size: int, shuffle: bool = False):
        self.name, self.given, self.batch_size, self.shuffle = name, given, batch_size, shuffle
        arrays = isinstance(given, tuple) and len(given) in (2, 3) and hasattr(given[1], "keys")
        if not (arrays or hasattr(given, "element_spec") or callable(given)):
            raise ValueError(f"`{name}` must be {WAYS}. Received: {type(given).__name__}.")
        if arrays and not given[1]:
            raise ValueError(f"`{name}` must have labels of at least one task. Received: none.")
        self._batches: Any = None  # the batches of arrays that are not shuffled
        self._first: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_batches": None, "_first": None}  # another process creates them again

    def batches(self, seed: int) -> Any:
        """Returns the `tf.data.Dataset` that a run of this seed reads."""
        if self._batches is not None:
            return self._batches
        given = self.given(seed) if callable(self.given) and not hasattr(self.given, "element_spec") else self.given
        if hasattr(given, "element_spec"):
            return given
        x, y, *weights = given
        weight = weights[0] if weights else None
        batches = from_arrays(x, y, self.batch_size, sample_weight=weight, shuffle=self.shuffle, seed=seed)
        if not self.shuffle and not callable(self.given):
            self._batches = batches
        return batches

    def first(self) -> Any:
        """Returns the dataset of seed 0, always the same one, to inspect it."""
        if self._first is None:
            self._first = self.batches(0)
        return self._first

    def tasks(self) -> list[str]:
        """Returns the names of the tasks that have labels."""
        spec = self.first().element_spec
        if not isinstance(spec, tuple) or len(spec) < 2 or not isinstance(spec[1], dict):
            raise ValueError(f"`{self.name}` must have batches `(x, {{task: y}})`. Received: {spec!r}.")
        return list(spec[1])

    def rows(self, seed: int = 0) -> tuple[Any, dict[str, np.ndarray], dict[str, np.ndarray] | None]:
        """Returns all rows as arrays: `(x, {task: y}, {task: sample_weight} or None)`; frames stay frames."""
        batches = list(self.batches(seed).as_numpy_iterator())
        parts = [_joined([batch[i] for batch in batches]) for i in range(len(batches[0]))]
        weights = parts[2] if len(parts) > 2 else None
        if weights is not None and not isinstance(weights, dict):
            weights = dict.fromkeys(parts[1], weights)
        return parts[0], parts[1], weights

    def fingerprint(self) -> str:
        """Returns a text that changes with the first batch of seed 0."""
        digest = hashlib.sha256()
        for path, array in _flat(next(iter(self.first().take(1).as_numpy_iterator()))):
            digest.update(f"{path} {array.dtype} {array.shape}".encode())
            digest.update(array.tobytes() if array.dtype != object else repr(array.tolist()).encode())
        return digest.hexdigest()[:16]


def of_tasks(batches: Any, tasks: list[str]) -> Any:
    """Returns a dataset with the labels and weights of some tasks only; unchanged if it has no other tasks."""
    if set(batches.element_spec[1]) == set(tasks):
        return batches

    def select(x, y, *weights):
        kept = [{task: w[task] for task in tasks if task in w} if isinstance(w, dict) else w for w in weights]
        return (x, {task: y[task] for task in tasks}, *kept)

    return batches.map(select)


def _joined(parts):
    """Joins batches of arrays, or of dicts of arrays, into one."""
    if isinstance(parts[0], dict):
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return np.concatenate(parts)


def _flat(batch, path=""):
    """Yields `(path, array)` of a nested batch, in the order of the names."""
    if isinstance(batch, dict):
        for key in sorted(batch):
            yield from _flat(batch[key], f"{path}/{key}")
    elif isinstance(batch, (tuple, list)):
        for i, part in enumerate(batch):
            yield from _flat(part, f"{path}/{i}")
    else:
        yield path, np.asarray(batch)
