"""Exports that are a file."""

import os
import pathlib
from collections.abc import Callable, Sequence

import keras

from mtl_keras._unfinished import unfinished
from mtl_keras.export._plain import check_model, check_tasks, plain


def write_model(
    model: keras.Model,
    path: str | os.PathLike,
    tasks: Sequence[str] | None,
    suffix: str,
    write: Callable[[keras.Model, pathlib.Path], None],
) -> pathlib.Path:
    """Writes some tasks of a model to a file that appears whole.

    Args:
        model, tasks: As users give them.
        path: Where the file goes; its folder is made if it is not there, and a file of that name replaced.
        suffix: What `path` must end in.
        write: Function of a plain Keras model and of a path, that writes the file there, and maybe others of its stem.

    Returns:
        `path` as a `pathlib.Path`.
    """
    check_model(model)
    part = plain(model, check_tasks(model, tasks))
    path = pathlib.Path(path)
    if path.suffix != suffix:
        raise ValueError(f"`path` must end in {suffix!r}. Received: path={str(path)!r}.")
    if path.is_dir():
        raise IsADirectoryError(f"`path` must be a file. Received a folder: {path}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path.parent) as place:
        place.mkdir()
        write(part, place / path.name)
        others = [file for file in place.iterdir() if file.name != path.name]
        for file in [*others, place / path.name]:  # the one that names the others comes last
            os.replace(file, path.parent / file.name)
    return path
