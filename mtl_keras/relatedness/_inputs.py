"""Models and data for comparisons of tasks."""

from typing import Any

from mtl_keras.data import from_arrays


def check_model(model: Any) -> None:
    """Raises a ValueError unless a model is compiled and has several tasks that share variables."""
    if not hasattr(model, "task_names"):
        raise ValueError(f"`model` must be a mtl_keras.MultiTaskModel. Received: {type(model).__name__}.")
    if not model.objectives:
        raise ValueError("`model` must be compiled. Received: a model that is not. Call `model.compile` first.")
    if len(model.task_names) < 2 or not model.partition.shared:
        raise ValueError(
            "`model` must have at least two tasks that share variables. Received: a model with the tasks "
            f"{model.task_names} and {len(model.partition.shared)} shared variables."
        )


def as_batches(data: Any, batch_size: int, shuffle: bool = False) -> Any:
    """Returns arrays `(x, {task: y})`, with or without weights, as a dataset of batches; a dataset stays unchanged."""
    if not isinstance(data, (tuple, list)):
        return data
    x, y, *weights = data
    return from_arrays(x, y, batch_size, sample_weight=weights[0] if weights else None, shuffle=shuffle)
