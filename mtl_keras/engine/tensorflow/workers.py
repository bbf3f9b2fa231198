"""The worker processes that train one model, outside of the training step."""

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

PATIENCE = 60.0  # seconds after which a waiting worker warns


class Workers:
    """The workers of a `tf.distribute` strategy, seen from one of them. Other strategies count as one worker.

    With several workers, all of them must call the methods (except properties) in the same order.

    Args:
        strategy: The strategy.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy
        self.num, self.index = 1, 0
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            jobs = resolver.cluster_spec().as_dict() if resolver.cluster_spec() else {}
            chiefs = len(jobs.get("chief", []))
            self.num = max(1, chiefs + len(jobs.get("worker", [])))
            if self.num > 1:
                self.index = resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)

    @property
    def is_chief(self) -> bool:
        """Whether this is the worker that writes files."""
        return self.index == 0

    def any(self, flag: bool) -> bool:
        """Returns whether a flag is true on any worker."""
        return flag if self.num == 1 else bool(self._sum(np.array([flag], "int32"))[0])

    def from_chief(self, data: bytes) -> bytes:
        """Returns the data of the chief."""
        return data if self.num == 1 else self._exchange(data if self.is_chief else b"")[0]

    def by_chief(self, write: Callable[[], Any]) -> Any:
        """Calls a function on the chief while the others wait; returns its result on the chief, None elsewhere.

        Raises:
            RuntimeError: On the others, if the chief raised an error.
        """
        if self.num == 1:
            return write()
        result, raised = None, None
        if self.is_chief:
            try:
                result = write()
            except Exception as error:
                raised = error
        with self._patience():
            failed = self.any(raised is not None)
        if raised is not None:
            raised.add_note("Raised on the chief; the other workers also stop.")
            raise raised
        if failed:
            raise RuntimeError("The chief, worker 0, could not write; its error says why.")
        return result

    def values(self, variables: list[keras.Variable], same: set[int]) -> list[Any]:
        """Returns copies of the values of variables: arrays, or tuples with the arrays of all replicas.

        Args:
            variables: The variables.
            same: The ids of variables with the same value on all replicas.
        """
        if self.strategy.num_replicas_in_sync == 1:
            return [np.array(v.numpy()) for v in variables]
        parts = [self._parts(v)[: 1 if id(v) in same else None] for v in variables]
        values = [[np.array(part.numpy()) for part in of_one] for of_one in parts]
        differing = [i for i, v in enumerate(variables) if id(v) not in same]
        local = b"".join(value.tobytes() for i in differing for value in values[i])
        found: list[Any] = [of_one[0] for of_one in values]
        offset, everyone = 0, [local] if self.num == 1 else self._exchange(local)
        for i in differing:
            one, gathered = values[i][0], []
            size = one.nbytes * len(values[i])
            for data in everyone:
                flat = np.frombuffer(data[offset : offset + size], one.dtype)
                gathered += list(flat.reshape(len(values[i]), *one.shape).copy())
            offset += size
            found[i] = tuple(gathered)
        return found

    def assign(self, variable: keras.Variable, value: Any) -> None:
        """Sets a variable to the result of `values`."""
        if not isinstance(value, tuple):
            variable.assign(value)
            return
        parts = self._parts(variable)
        for part, of_replica in zip(parts, value[self.index * len(parts) :], strict=False):
            part.assign(of_replica)

    def _parts(self, variable):
        """Returns the copies of a variable on this worker's replicas."""
        return self.strategy.experimental_local_results(variable.value)

    def _exchange(self, data):
        """Returns the data of all workers, a list of bytes."""
        sizes = np.zeros(self.num, "int32")
        sizes[self.index] = len(data)
        sizes = self._sum(sizes)
        if not sizes.any():
            return [b""] * self.num  # TensorFlow 2.21 crashes in the sum of empty tensors
        rows = np.zeros([self.num, -(-int(sizes.max()) // 4)], "int32")
        rows[self.index] = np.frombuffer(data.ljust(4 * rows.shape[1], b"\0"), "int32")
        return [row.tobytes()[:size] for row, size in zip(self._sum(rows), sizes, strict=True)]

    def _sum(self, array):
        """Returns the sum of an integer array over the workers."""
        arrays = iter([array])  # the first replica of this worker contributes it, the others zeros
        values = self.strategy.experimental_distribute_values_from_function(
            lambda _: tf.constant(next(arrays, np.zeros_like(array)))
        )
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """Warns if the context lasts long."""
        message = (
            f"Worker {self.index} has waited for the other workers for {PATIENCE:.0f} seconds. Each worker "
            "must call `save`, `save_weights` and the functions of `mtl_keras.export`; the chief writes."
        )
        timer = threading.Timer(PATIENCE, warnings.warn, [message])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
