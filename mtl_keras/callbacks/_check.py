"""Checks of what several callbacks are given."""


def check_model(callback, model):
    """Raises a ValueError unless a model has tasks."""
    if not hasattr(model, "task_names"):
        raise ValueError(
            f"`{type(callback).__name__}` needs a mtl_keras.MultiTaskModel. Received: {type(model).__name__}. Wrap "
            "yours as `MultiTaskModel(model.inputs, {task: output})`."
        )


def check_every(every):
    """Raises a ValueError unless a number of steps is one."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ValueError(f"`every` must be a number of steps, an integer of at least 1. Received: every={every!r}.")
