"""Reads an export back."""

import os

from mtl_keras.export._served import Served


def load(path: str | os.PathLike) -> Served:
    """Reads an export back, to predict on NumPy arrays.

    What comes back has `predict(inputs, task=None, signature=None)`; `tasks`, `{task: what is known of it}`;
    `signatures`, `{signature: {"inputs": ..., "outputs": ...}}`; and `path`. `predict` returns `{task: array}`, or for
    a `task` its array, computed by the signature of the task where there is one.

    A SavedModel is a program: to load one and to predict with it runs what its author put in. Load what you trust;
    `python -m mtl_keras inspect` looks into an export without running anything of it. A version that another process
    removes while it is read gives way to the one that is the highest then.

    Args:
        path: Folder of a model, of which the highest version is read, or of a version. Any SavedModel will do.

    Returns:
        The export that was read.

    Raises:
        FileNotFoundError: If there is no export.
        ValueError: If its `tasks.json` is broken.

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
