"""Records how well the gradients of the tasks agree."""

import itertools
import os
from typing import Any

import keras
import numpy as np

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras.callbacks._csv import GrowingCSV
from mtl_keras.callbacks._matrices import Matrices

_COLUMNS = ["epoch", "step", "task_a", "task_b", "cosine"]


@public
class GradientConflict(Matrices):
    """Records the cosines between the tasks' gradients with respect to the variables that they share.

    A negative cosine means that a step for one task harms the other. Works under every weighting and without one, and
    does not change the training. A record costs one forward pass, and one backward pass per task.

    Logged each epoch: `cosine_<a>_<b>` for each pair of tasks, the mean over the records of the epoch, NaN without
    records. Put this callback before `TensorBoard` and `CSVLogger` in the list of callbacks. `plots.gradient_conflict`
    plots it.

    Args:
        every: The cosines are recorded at the first step and at every n-th step after it.
        data: The batch whose gradients are compared. None for the batch that is trained at the step; or one batch `(x,
            {task: y})` or `(x, {task: y}, {task: sample_weight})`; or a data set, whose first batch is used. With a
            fixed batch, only the model changes between the records.
        path: CSV file to write as well, one row per pair, with the columns `epoch`, `step`, `task_a`, `task_b` and
            `cosine`. A new training overwrites it. A training that continues, with a model that was trained before or
            an `initial_epoch`, appends to it.

    Attributes:
        cosines: Array [records, T, T], over all `fit`s with the callback. A task without any label in the batch, or
            with a gradient of zero, has NaN in its row and column. All tasks have NaN while `Freeze` freezes everything
            that they share.
        steps: List of the step of each record, starting at 1, over the whole life of the optimizer. The cosines are
            those before the step. A resumed run replaces the records of the steps that it repeats.
        epochs: List of the epoch of each record, starting at 0.
        task_names: The tasks in the order of the matrices.

    Raises:
        ValueError: If `every` is not a positive integer; when training begins, if the model is not a `MultiTaskModel`,
            has one task, or its tasks share no variables, or the file has other columns.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    model.compile("adam")
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    conflict = mtl.callbacks.GradientConflict(every=2)
    history = model.fit(np.ones((10, 8, 8)), y, batch_size=2, epochs=2, callbacks=[conflict], verbose=0)
    history.history["cosine_digit_odd"]  # two numbers
    conflict.steps, conflict.cosines.shape  # ([1, 3, 5, 7, 9], (5, 2, 2))
    ```
    """

    def __init__(self, every: int = 1, data: Any = None, path: str | os.PathLike | None = None) -> None:
        super().__init__()
        self.every = count("every", every, hint="It is a number of steps.")
        self.data = data
        self.path = path
        self.epochs = []
        self._epoch = 0
        self._first = 0  # first record of the epoch
        self._resumed: dict[int, int] = {}  # {epoch: first record} of epochs that a run resumes
        self._csv = None

    @property
    def cosines(self) -> np.ndarray:
        """The cosines of all records. [records, T, T]"""
        return self._recorded()

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self._probe = model.add_cosine_probe(self.every, in_step=self.data is None)
        self._batch = self.data if self.data is None or isinstance(self.data, (tuple, list)) else next(iter(self.data))
        self._csv = None  # written from the first epoch on, which says whether the training is a new one

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._num_steps, self._measured = None, []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        first, self._num_steps = self._num_steps is None, self.model.progress.num_steps
        if first:  # only now, as another callback may load weights when training begins
            self._probe.start(self._num_steps)
            kept = [i for i, step in enumerate(self.steps) if not self._num_steps or step <= self._num_steps]
            self.steps, self.epochs, self._matrices = (
                [values[i] for i in kept] for values in (self.steps, self.epochs, self._matrices)
            )
        self._first = self._resumed.pop(epoch, len(self.steps))
        if self._csv is None:
            self._csv = GrowingCSV(
                self.path, self.model, _COLUMNS, epoch == 0 and self._num_steps == 0, self._num_steps
            )

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures the fixed batch, if one of the next steps is due."""
        done = self._num_steps
        if self._batch is not None and -done % self.every < self.model.steps_per_execution:
            self._measured = [(done, self._probe.measure(self._batch))]

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._num_steps = self.model.progress.num_steps
        if self._batch is not None:
            self._record(self._measured)  # now only, as Keras begins a step at the end of a stream as well
            self._measured = []
        elif self._num_steps > self._probe.next_due:  # because to read waits for the device
            self._record(self._probe.read())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._batch is None:
            self._record(self._probe.read())
        if logs is not None:
            for (i, a), (j, b) in itertools.combinations(enumerate(self.task_names), 2):
                values = [matrix[i, j] for matrix in self._matrices[self._first :] if np.isfinite(matrix[i, j])]
                logs[f"cosine_{a}_{b}"] = float(np.mean(values)) if values else float("nan")

    def get_state(self) -> dict[str, Any]:
        """Returns the record, for a backup."""
        return {**super().get_state(), "epochs": self.epochs, "first": (self._epoch, self._first)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the record of a run."""
        super().set_state(state)
        self.epochs = state["epochs"]
        self._resumed = dict([state["first"]])

    def _record(self, found):
        """Stores the results: a list of pairs of a number of steps before and a matrix."""
        for step, matrix in found:
            self.steps.append(step + 1)
            self.epochs.append(self._epoch)
            self._matrices.append(matrix)
            self._csv.append(
                [self._epoch, step + 1, a, b, matrix[i, j]]
                for (i, a), (j, b) in itertools.combinations(enumerate(self.task_names), 2)
            )
