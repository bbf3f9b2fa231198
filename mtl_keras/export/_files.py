"""Exports to a single file."""

import os
import pathlib
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from mtl_keras._unfinished import unfinished
from mtl_keras.export._chief import by_chief
from mtl_keras.export._plain import check_model, check_tasks, plain

Run = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
_SIZE = 32  # size of axes without a fixed size


class Refusal(ValueError):
    """The error for a file that the runtime of its format cannot open.

    Args:
        runtime: Name of the runtime.
        problem: What it lacks, or its error.
        way_out: Last sentence of the error.
    """

    def __init__(self, runtime: str, problem: str, way_out: str = ""):
        super().__init__(
            f"`model` must have operations that {runtime} has. Received: a model for which it refuses the file, which "
            f"is not kept: {' '.join(problem.split())[:500]}. The usual cause is texts, or categories that the model "
            "looks up: look them up before the model, and build it on their ids; or use `export.saved_model`, which "
            f"supports them. {way_out}".rstrip()
        )


@by_chief
def write_model(
    model: keras.Model,
    path: str | os.PathLike,
    tasks: Sequence[str] | None,
    suffix: str,
    write: Callable[[keras.Model, pathlib.Path], None],
    runtime: str,
    open_file: Callable[[pathlib.Path], Run],
) -> pathlib.Path:
    """Writes some tasks of a model to a file. It appears only if it is complete and its runtime can run it.

    If several workers train, the chief writes it.

    Args:
        model, tasks: As users give them.
        path: Path of the file. A missing folder is created, and an existing file replaced.
        suffix: Required ending of `path`.
        write: Function of a plain Keras model and a path that writes the file there, perhaps with others of its stem.
        runtime: Name of the runtime of such files.
        open_file: Function of the path that opens the file and returns a function of `{input: array}` that runs it.

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
        _try_out(runtime, part, open_file(place / path.name))
        others = [file for file in place.iterdir() if file.name != path.name]
        for file in [*others, place / path.name]:  # the file that names the others comes last
            os.replace(file, path.parent / file.name)
    return path


def _try_out(runtime, part, run):
    """Raises a ValueError unless a file computes every task of a model, and NaN only where the model does."""
    row = {x.name: _row(x) for x in part.inputs}
    try:
        found = run(row)
    except Exception as error:  # the runtime has its own classes of errors
        if any(None in x.shape[1:] for x in part.inputs) and not isinstance(error, Refusal):
            return  # the chosen sizes may be too small for the model
        raise error if isinstance(error, Refusal) else Refusal(runtime, str(error)) from error
    missing = [task for task in part.output if task not in found]
    if missing:
        raise Refusal(runtime, f"it has no outputs of the names {missing}")
    expected = part([keras.ops.convert_to_tensor(row[x.name]) for x in part.inputs], training=False)
    wrong = [task for task, y in expected.items() if np.isnan(found[task]).any() and not np.isnan(y).any()]
    if wrong:
        raise Refusal(runtime, f"it computes NaN for {wrong} where the model does not")


def _row(x):
    """Returns a row for a Keras input: zeros, or empty strings."""
    shape = [1, *(size or _SIZE for size in x.shape[1:])]
    return np.full(shape, b"", object) if x.dtype == "string" else np.zeros(shape, tf.as_dtype(x.dtype).as_numpy_dtype)
