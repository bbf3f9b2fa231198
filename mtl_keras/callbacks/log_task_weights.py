"""Records the weight of each task in training."""

import os
from typing import Any

import keras

from mtl_keras._arguments import count
from mtl_keras._registry import public
from mtl_keras.callbacks._check import check_model
from mtl_keras.callbacks._csv import GrowingCSV


@public
class LogTaskWeights(keras.callbacks.Callback):
    """Records the weight of each task: the factor of its loss in the objective of the shared variables.

    Under a weighting, it is the weight from the weighting times the task's `loss_weight`, the `<task>_weight` of the
    logs. Without a weighting, it is the `loss_weight`, which is then added to the logs. Put this callback before
    `TensorBoard` and `CSVLogger` in the list of callbacks.

    `plots.task_weights` plots the record; `pandas.DataFrame(callback.history)` turns it into a table.

    Args:
        path: CSV file to write as well, with the columns `epoch`, `step` and one per task. A new training overwrites
            it. A training that continues, with a model that was trained before or an `initial_epoch`, appends to it.
        every: `"epoch"` for the mean over each epoch; or a number of steps n, for the weights of the first step and of
            every n-th step after it. Under `steps_per_execution`, the weights are those of the last step in the same
            execution.

    Attributes:
        history: `{"epoch": list, "step": list, task: list}`, one entry per record, over all `fit`s with the callback.
            Epochs count from 0, as in Keras; steps from 1, over the whole life of the optimizer. A resumed run replaces
            the records of the steps that it repeats.

    Raises:
        ValueError: If `every` is neither; when training begins, if the model is not a `MultiTaskModel`, the weighting
            has no weights, or the file has other columns.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary(), weight=0.5)]
    model = mtl.build_model((8, 8), tasks)
    model.compile("adam", weighting="dwa")
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    weights = mtl.callbacks.LogTaskWeights("weights.csv")
    model.fit(np.ones((10, 8, 8)), y, epochs=3, callbacks=[weights], verbose=0)
    weights.history["odd"]  # [0.5, 0.5, ...]: three numbers
    ```
    """

    def __init__(self, path: str | os.PathLike | None = None, every: int | str = "epoch") -> None:
        super().__init__()
        if every != "epoch":
            every = count(
                "every", every, hint='It is a number of steps, or every="epoch" for the mean over each epoch.'
            )
        self.path = path
        self.every = every
        self.history = {}
        self._csv = None

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        check_model(self, model)
        if model.plan is not None and not model.weighting.has_weights:
            raise ValueError(
                f"`LogTaskWeights` has nothing to log: the weighting {type(model.weighting).__name__} combines the "
                "entries of the gradients and has no weight for a task. Use `GradientConflict` to inspect it."
            )
        columns = ["epoch", "step", *model.task_names]
        if self.history and list(self.history) != columns:
            raise ValueError(
                f"`LogTaskWeights` has a record of the tasks {list(self.history)[2:]} and cannot go on with those of "
                f"another model, {model.task_names}. Make a new one."
            )
        self.history = self.history or {name: [] for name in columns}
        self._csv = None  # opened in the first epoch, which shows whether the training is a new one

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._num_steps = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        first, self._num_steps = self._num_steps is None, self.model.progress.num_steps
        if first and self._num_steps:  # only now, because another callback may load weights when training begins
            kept = [i for i, step in enumerate(self.history["step"]) if step <= self._num_steps]
            self.history = {name: [values[i] for i in kept] for name, values in self.history.items()}
        if self._csv is None:
            fresh = epoch == 0 and self._num_steps == 0
            self._csv = GrowingCSV(self.path, self.model, list(self.history), fresh, self._num_steps)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        before, self._num_steps = self._num_steps, self.model.progress.num_steps
        if self.every != "epoch" and -(-before // self.every) * self.every < self._num_steps:
            self._record(self._epoch, self._weights())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        if self.model.plan is None:
            logs.update({f"{task}_weight": weight for task, weight in self._weights().items()})
        if self.every == "epoch":
            self._record(epoch, {task: float(logs[f"{task}_weight"]) for task in self.model.task_names})

    def _weights(self):
        """Returns the weights of the last step, by task."""
        if self.model.plan is None:
            return {task: objective.loss_weight for task, objective in self.model.objectives.items()}
        values = self.model.plan.logged_weights.numpy()
        return dict(zip(self.model.task_names, values.tolist(), strict=True))

    def _record(self, epoch, weights):
        row = {"epoch": epoch, "step": self._num_steps, **weights}
        for name, value in row.items():
            self.history[name].append(value)
        self._csv.append([list(row.values())])
