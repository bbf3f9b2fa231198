"""Base class of the callbacks that record a matrix of the tasks every n steps."""

from typing import Any

import keras
import numpy as np

from mtl_keras.callbacks._check import check_model


class Matrices(keras.callbacks.Callback):
    """Records of matrices [T, T], by step. Abstract.

    Attributes:
        task_names: The tasks in the order of the matrices.
        steps: The step of each record, from 1 on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.task_names: list[str] = []
        self.steps: list[int] = []
        self._matrices: list[np.ndarray] = []

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        check_model(self, model)
        name = type(self).__name__
        if len(model.task_names) < 2 or not model.partition.shared:
            raise ValueError(
                f"`{name}` needs at least two tasks that share variables. Received a model with the tasks "
                f"{model.task_names} and {len(model.partition.shared)} shared variables."
            )
        if self.task_names not in ([], model.task_names):
            raise ValueError(
                f"`{name}` has a record of the tasks {self.task_names} and cannot go on with those of another model, "
                f"{model.task_names}. Make a new one."
            )
        self.task_names = model.task_names

    def _recorded(self) -> np.ndarray:
        """Returns all records, [records, T, T]."""
        num_tasks = len(self.task_names)
        return np.reshape(self._matrices, (len(self._matrices), num_tasks, num_tasks))

    def get_state(self) -> dict[str, Any]:
        """Returns the record, for a backup."""
        return {"steps": self.steps, "matrices": self._matrices}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the record of a run."""
        self.steps, self._matrices = state["steps"], state["matrices"]
