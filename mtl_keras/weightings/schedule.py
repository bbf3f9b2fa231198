"""Loss weights that are functions of the epoch."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import error
from mtl_keras._registry import public
from mtl_keras._types import Tensor
from mtl_keras.weightings._base import LossScalarizer


@public
class Schedule(LossScalarizer):
    """Weights the losses by functions of the epoch, without compiling the model again.

    objective = Σ_t w_t(epoch) L_t

    The weights are a variable that is set before every epoch.

    Scale: the weights as given; a task without a function has weight 1. Losses may be any real numbers.

    Args:
        schedules: `{task name: function}`. A function takes the epoch, counted from 0, and returns a weight. To
            save the model, a function must be a `keras.optimizers.schedules.LearningRateSchedule` or be
            registered with `keras.saving.register_keras_serializable`.
        name: Name of the layer.

    Raises:
        ValueError: If a value of `schedules` is not callable, or, at `build`, if a task is unknown.

    Example:

    ```python
    ramp = keras.optimizers.schedules.PolynomialDecay(0.0, decay_steps=10, end_learning_rate=1.0)
    weighting = mtl.weightings.Schedule({"odd": ramp})
    weighting.task_names = ("digit", "odd")  # `compile` does this
    weighting.build(2)
    weighting.on_epoch_begin(5)
    weighting(np.array([0.5, 2.0], "float32"), np.ones(2, "float32"))  # 0.5 + 0.5 * 2 = 1.5
    ```

    Reference:
        None: such schedules are common practice.
    """

    def __init__(self, schedules: dict[str, Callable[[int], float]] | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.schedules = {
            task: keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
            for task, value in (schedules or {}).items()
        }
        for task, function in self.schedules.items():
            if not callable(function):
                raise ValueError(error(f"schedules[{task!r}]", "a function of the epoch", function))

    def build(self, num_tasks: int) -> None:
        super().build(num_tasks)
        self._positions = {task: self.task_index(task) for task in self.schedules}
        self.weights_now = self.add_state("weights_now", (num_tasks,), initializer="ones")
        self.on_epoch_begin(0)

    def on_epoch_begin(self, epoch: int) -> None:
        weights = [1.0] * self.num_tasks
        for task, position in self._positions.items():
            weights[position] = float(self.schedules[task](epoch))
        self.weights_now.assign(weights)

    def weights_of_epoch(self) -> Tensor:
        return self.weights_now

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        return ops.sum(present * self.weights_now * losses)

    def get_config(self) -> dict[str, Any]:
        schedules = {task: keras.saving.serialize_keras_object(function) for task, function in self.schedules.items()}
        return {**super().get_config(), "schedules": schedules}
