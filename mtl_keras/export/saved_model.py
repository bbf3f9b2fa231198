"""Exports a model for TensorFlow Serving."""

import pathlib
import shutil
import uuid

import keras


def saved_model(model, path, version=None):
    """Writes a SavedModel in TensorFlow Serving's layout, `path/version/`.

    The signature `serving_default` takes the inputs by name and gives one output a task, by task name, for any
    batch size. Nothing of training is inside. The version is written under another name and then renamed, so
    that a server that watches `path` never sees half of one.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by name.
        path: Folder of the model, made if it is not there.
        version: Positive integer; one more than the highest version in `path` by default.

    Returns:
        The `pathlib.Path` of the version's folder.

    Raises:
        ValueError: If `model` has no named outputs, or `version` is no positive integer.
        FileExistsError: If the version exists, or `path` is a file.

    Example:

    ```python
    import tempfile

    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary())])
    folder = mtl.export.saved_model(model, tempfile.mkdtemp())
    served = tf.saved_model.load(folder).signatures["serving_default"]
    served(inputs=tf.zeros((3, 8, 8)))["odd"].shape  # (3, 1)
    ```
    """
    if not isinstance(model, keras.Model) or not isinstance(getattr(model, "output", None), dict):
        raise ValueError(f"`model` must be a functional model with outputs by name. Received: model={model!r}.")
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"`path` must be a folder. Received a file: {path}.")
    version = _next_version(path) if version is None else version
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"`version` must be a positive integer. Received: version={version!r}.")
    target = path / str(version)
    if target.exists():
        raise FileExistsError(f"Version {version} exists: {target}. Leave `version` out for the next free one.")
    path.mkdir(parents=True, exist_ok=True)
    unfinished = path / f".{version}-{uuid.uuid4().hex}"
    try:
        # A plain model of the same layers: what the training step adds to ours stays out.
        keras.Model(model.input, dict(model.output)).export(unfinished, verbose=False)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _next_version(path):
    versions = [int(folder.name) for folder in path.glob("*") if folder.name.isdecimal()]
    return max(versions, default=0) + 1
