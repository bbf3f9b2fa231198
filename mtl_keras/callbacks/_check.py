"""The check of the model, common to several callbacks."""


def check_model(callback, model):
    """Raises a ValueError unless a model has tasks."""
    if not hasattr(model, "task_names"):
        raise ValueError(
            f"`{type(callback).__name__}` needs a mtl_keras.MultiTaskModel. Received: {type(model).__name__}. Wrap "
            "yours as `MultiTaskModel(model.inputs, {task: output})`."
        )
