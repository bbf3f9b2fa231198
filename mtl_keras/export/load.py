"""Loads an export."""

import os

from mtl_keras.export._served import Served


def load(path: str | os.PathLike) -> Served:
    """Loads an export to predict on NumPy arrays.

    The result has `predict(inputs, task=None, signature=None)`; `tasks`, `{task: its description}`; `signatures`,
    `{signature: {"inputs": ..., "outputs": ...}}`; and `path`. `predict` returns `{task: array}`. With a `task`, it
    returns the array of this task, and uses the signature of the task if there is one.

    A SavedModel is a program: loading it and predicting with it runs code from its author. Load only what you trust.
    `python -m mtl_keras inspect` reads an export without running any of it. If another process removes the version
    while it is read, the highest remaining version is loaded.

    Args:
        path: Folder of a model, whose highest version is read, or folder of a version. Any SavedModel works.

    Returns:
        The export.

    Raises:
        FileNotFoundError: If there is no export.
        ValueError: If `tasks.json` is not valid.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())])
    mtl.export.saved_model(model, "digits", labels={"odd": ["even", "odd"]})
    served = mtl.export.load("digits")
    served.predict(np.zeros((3, 8, 8)), task="ink").shape  # (3, 1)
    served.predict(np.zeros((3, 8, 8)), signature="labels")["odd_label"]  # array of 'even' and 'odd'
    ```
    """
    return Served(path)
