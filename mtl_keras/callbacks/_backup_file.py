"""The files of a backup: each appears complete, and is checked when it is read."""

import io
import json
import pathlib
import zipfile
from typing import Any

import numpy as np

from mtl_keras._unfinished import unfinished
from mtl_keras.models.run_state import RunState

PATTERN = "backup-*.npz"
_FORMAT = 1
_ARRAY, _TUPLE, _DICT = "<array>", "<tuple>", "<dict>"


def write(folder: pathlib.Path, state: RunState, tasks: list[str], kept: int) -> pathlib.Path:
    """Writes a backup, removes all but the last `kept` ones, and returns the file.

    Args:
        folder: An existing folder.
        state: The state to write.
        tasks: The tasks of the model.
        kept: Number of backups to keep.
    """
    arrays: list[np.ndarray] = []
    head = {
        "format": _FORMAT,
        "tasks": tasks,
        "place": [state.epoch, state.step, state.epochs_before, state.num_epochs, state.num_steps],
        "num_replicas": state.num_replicas,
        "variables": _encoded(state.variables, arrays),
        "run_variables": _encoded(state.run_variables, arrays),
        "callbacks": _encoded(state.callbacks, arrays),
    }
    head["dtypes"] = [array.dtype.name for array in arrays]
    plain = {str(i): array.view("uint16") if array.dtype.kind == "V" else array for i, array in enumerate(arrays)}
    path = folder / f"backup-{state.num_steps:010d}.npz"
    with unfinished(folder) as place:
        with open(place, "wb") as file:
            np.savez(file, head=np.frombuffer(json.dumps(head).encode(), "uint8"), **plain)
        place.replace(path)
    for old in files(folder)[:-kept]:
        old.unlink(missing_ok=True)
    return path


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the backups in a folder, the newest one last."""
    return sorted(folder.glob(PATTERN))


def read(path: pathlib.Path, data: bytes, tasks: list[str]) -> RunState:
    """Returns the state in a backup, or raises a ValueError if it is cut off, damaged, not a backup, or of other tasks.

    Args:
        path: The file, for errors.
        data: The content of the file.
        tasks: The tasks of the model.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            head = json.loads(bytes(file["head"]))
            arrays = [file[str(i)] for i in range(len(head["dtypes"]))]  # this verifies the checksums
        arrays = [_typed(array, name) for array, name in zip(arrays, head["dtypes"], strict=True)]
        parts = {name: _decoded(head[name], arrays) for name in ("variables", "run_variables", "callbacks")}
        epoch, step, epochs_before, num_epochs, num_steps = head["place"]
        num_replicas = int(head["num_replicas"])
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} cannot be read: it is cut off, damaged, or not a backup ({error}). Remove it to continue from "
            "the backup before it, or from the start if there is none."
        ) from error
    if head["tasks"] != tasks:
        raise ValueError(
            f"{path} is the backup of another model, with the tasks {head['tasks']}. Received: a model with the tasks "
            f"{tasks}. Use a separate folder for each run."
        )
    return RunState(epoch, step, epochs_before, num_epochs, num_steps, num_replicas, **parts)


def _typed(array, name):
    return array if array.dtype.name == name else array.view(np.dtype(name))


def _encoded(value: Any, arrays: list[np.ndarray]) -> Any:
    """Returns plain data in a form that JSON can store; the arrays are moved to a list."""
    if isinstance(value, np.ndarray | np.generic):
        arrays.append(np.asarray(value))
        return {_ARRAY: len(arrays) - 1}
    if isinstance(value, tuple):
        return {_TUPLE: [_encoded(one, arrays) for one in value]}
    if isinstance(value, list):
        return [_encoded(one, arrays) for one in value]
    if isinstance(value, dict):
        return {_DICT: [[key, _encoded(one, arrays)] for key, one in value.items()]}
    return value


def _decoded(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decoded(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == _ARRAY:
        array = arrays[inner]
        return array if array.ndim else array[()]
    if kind == _TUPLE:
        return tuple(_decoded(one, arrays) for one in inner)
    return {key: _decoded(one, arrays) for key, one in inner}
