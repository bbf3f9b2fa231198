"""Compares an export with its model."""

import os

import keras
import numpy as np
import tensorflow as tf

from mtl_keras._frames import by_input, is_frame
from mtl_keras._types import Tensors
from mtl_keras.export._conform import conform
from mtl_keras.export._plain import check_model, plain
from mtl_keras.export._served import Served
from mtl_keras.export._signatures import from_examples, of_tasks


def check(model: keras.Model, path: str | os.PathLike, x: Tensors) -> dict[str, dict[str, float]]:
    """Compares the outputs of an export with the predictions of its model, on inputs that you choose.

    Labels and scores are not compared, nor are signatures that take encoded images.

    Args:
        model: The model that was exported.
        path: Folder of a model, whose highest version is read, or folder of a version.
        x: Inputs as for `predict`: an array, a list or dict of arrays, or a data frame.

    Returns:
        `{signature: {task: largest absolute difference}}`. Up to 1e-6 is rounding.

    Raises:
        ValueError: If the model has no named outputs, or lacks a task of the export, or `x` has values that would
            change when cast to the dtype of the input.
        FileNotFoundError: If there is no export.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary())])
    mtl.export.saved_model(model, "digits")
    differences = mtl.export.check(model, "digits", np.ones((5, 8, 8)))
    sorted(differences)  # ['odd', 'serving_default']
    ```
    """
    check_model(model)
    served = Served(path)
    unknown = [task for task in served.tasks if task not in model.output]
    if unknown:
        raise ValueError(f"`model` must have the tasks of the export. Received: one without {unknown}.")
    if is_frame(x):
        x = by_input("x", x, {i.name: tuple(i.shape) for i in model.inputs})
    arrays = keras.tree.flatten(x) if not isinstance(x, dict) else [x[i.name] for i in model.inputs]
    inputs = {i.name: np.asarray(array) for i, array in zip(model.inputs, arrays, strict=True)}
    tasks = list(served.tasks)
    part = plain(model, tasks)
    specs = of_tasks(model, tasks).inputs
    for i in part.inputs:  # checked before Keras casts them
        conform(f"x[{i.name!r}]", inputs[i.name], specs[i.name])
    given = [tf.constant(inputs[i.name]) if i.dtype == "string" else inputs[i.name] for i in part.inputs]
    expected = part.predict(given, verbose=0)

    differences = {}
    for name, signature in served.signatures.items():
        request = from_examples(of_tasks(model, tasks)).request(inputs) if "examples" in signature["inputs"] else inputs
        if set(signature["outputs"]) & set(tasks) and set(signature["inputs"]) <= set(request):
            answer = served.predict(request, signature=name)
            differences[name] = {
                task: float(np.max(np.abs(np.asarray(expected[task], "float64") - answer[task]), initial=0.0))
                for task in tasks
                if task in answer
            }
    return differences
