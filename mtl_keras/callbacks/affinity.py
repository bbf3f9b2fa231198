"""Records how much a step for one task lowers the losses of the others."""

from typing import Any

import keras
import numpy as np

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras.callbacks._matrices import Matrices


@public
class Affinity(Matrices):
    """Records the affinities of the tasks: how much a step along one task's gradient lowers each task's loss.

    On each recorded batch, a step of gradient descent on the shared variables along task i only is tried, and then
    undone: Z_ij = 1 − L_j(after) / L_j(before). Above 0 the step helps task j, below 0 it harms it. Works under every
    weighting and without one, and does not change the training. A record costs T backward and 1 + T forward passes.
    With `every=10` and four tasks, training takes about 1.5 times as long.

    `relatedness.affinity` turns the record into a `Matrix`.

    Args:
        every: The affinities are recorded at the first step and at every n-th step after it.
        rate: Learning rate of the tried steps, above 0; None for the current learning rate of the optimizer.

    Attributes:
        affinities: Array [records, T, T] over all `fit`s with the callback: `[:, i, j]` is the effect of task i on task
            j. A task without any label in the batch, or with a loss of 0, has NaN in its row and column.
        steps: List of the step of each record, starting at 1.
        task_names: The tasks in the order of the matrices.

    Raises:
        ValueError: If an argument is out of range; when training begins, if the model is not a `MultiTaskModel`, has
            one task, or its tasks share no variables, or under several replicas.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    model.compile(keras.optimizers.SGD(0.01))
    y = {"digit": np.arange(10), "odd": np.arange(10) % 2}
    affinity = mtl.callbacks.Affinity(every=2)
    model.fit(np.ones((10, 8, 8)), y, batch_size=2, callbacks=[affinity], verbose=0)
    affinity.steps, affinity.affinities.shape  # ([1, 3, 5], (3, 2, 2))
    ```

    Reference: C. Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning", 2021. Departure: the
    tried steps use plain gradient descent, whatever the optimizer.
    """

    def __init__(self, every: int = 10, rate: float | None = None) -> None:
        super().__init__()
        self.every = count("every", every, hint="It is a number of steps.")
        self.rate = None if rate is None else number("rate", rate, above=0)

    @property
    def affinities(self) -> np.ndarray:
        """The affinities of all records. [records, T, T]"""
        return self._recorded()

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        if model.distribute_strategy.num_replicas_in_sync > 1:
            raise ValueError("`Affinity` works on one replica. Train without a tf.distribute strategy to measure it.")
        self._probe = model.add_affinity_probe(self.every, rate=self.rate)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._started = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._started:  # only now, because another callback may load weights when training begins
            num_steps = self.model.progress.num_steps
            self._probe.start(num_steps)
            kept = [i for i, step in enumerate(self.steps) if not num_steps or step <= num_steps]
            self.steps, self._matrices = ([values[i] for i in kept] for values in (self.steps, self._matrices))
            self._started = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.model.progress.num_steps > self._probe.next_due:  # because reading waits for the device
            self._record()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._record()

    def _record(self):
        for step, matrix in self._probe.read():
            self.steps.append(step + 1)
            self._matrices.append(matrix)
