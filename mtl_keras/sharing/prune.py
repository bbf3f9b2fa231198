"""The tree that a model with branches has found."""

import keras

from mtl_keras.engine import Reach
from mtl_keras.layers import Branching


def prune(model: keras.Model) -> keras.Model:
    """Returns a smaller model: the same without the branches that a model with `sharing="ltb"` does not use.

    It makes the same predictions. It has its own copies of the weights and no branches to choose from. It is compiled
    like the model, with a new optimizer.

    Args:
        model: A `MultiTaskModel` built with `sharing="ltb"`.

    Returns:
        A `MultiTaskModel`.

    Raises:
        ValueError: If the model has no branches to choose from.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing="ltb")
    tree = mtl.sharing.prune(model)
    tree.count_params() < model.count_params()  # True: both tasks chose the same branch
    ```
    """
    chosen = {layer.name: layer.chosen() for layer in model.layers if isinstance(layer, Branching)}
    if not chosen:
        raise ValueError(
            'prune needs a model with choices, built with `sharing="ltb"` and two branches or more. '
            f"Received: {model!r}."
        )

    def apply(layer, *args, **kwargs):
        return args[0][chosen[layer.name]] if layer.name in chosen else layer(*args, **kwargs)

    tree = keras.models.clone_model(model, call_function=apply)
    for layer in tree.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    tree.tasks = list(model.tasks)
    used = {task: {layer.name for layer in layers} for task, layers in Reach(tree).layers.items()}
    tree.tower_layers = {
        task: [name for name in names if name in used[task]] for task, names in model.tower_layers.items()
    }
    return tree
