"""Numbered versions of a model in a folder, as TensorFlow Serving expects them."""

import os
import pathlib
import re
import shutil
import warnings
from collections.abc import Callable
from typing import TypeVar

from mtl_keras._arguments import count
from mtl_keras._unfinished import alone, unfinished

LAST = 2**63 - 1  # servers store the number as an int64
GRAPH = "saved_model.pb"  # the file that makes a folder an export

Read = TypeVar("Read")


def check_place(
    path: str | os.PathLike, version: int | None, keep: int | None
) -> tuple[pathlib.Path, int | None, int | None]:
    """Returns the arguments as plain values, or raises an error if a version cannot be written there."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"`path` must be a folder. Received a file: {path}.")
    if version is not None:
        version = count("version", version)
        if version > LAST:
            hint = "Servers store it as a 64-bit integer."
            version = count("version", version, at_most=LAST, hint=hint)
        if (path / str(version)).exists():
            raise FileExistsError(
                f"Version {version} exists: {path / str(version)}. Leave `version` out for the next free one."
            )
    return path, version, None if keep is None else count("keep", keep)


def versions(path: str | os.PathLike) -> list[int]:
    """Returns the sorted numbers of the versions in a folder: of subfolders whose names are those of exports."""
    path = pathlib.Path(path)
    return sorted(number for number, name in _numbered(path) if name == str(number) and (path / name).is_dir())


def find_version(path: str | os.PathLike) -> pathlib.Path:
    """Returns the folder of an export: `path` itself, or its highest version.

    Raises:
        FileNotFoundError: If there is no export.
    """
    path = pathlib.Path(path)
    for folder in [path, *(path / str(number) for number in reversed(versions(path)))]:
        if (folder / GRAPH).is_file():
            return folder
    raise FileNotFoundError(f"`path` must be an export, or a folder of its versions. Received: {path}.")


def read_version(path: str | os.PathLike, read: Callable[[pathlib.Path], Read]) -> tuple[pathlib.Path, Read]:
    """Returns the folder of an export and the result of a function that reads it.

    If another process removes the version in the meantime, the new highest version is read.

    Args:
        path: Folder of a model, whose highest version is read, or folder of a version.
        read: Function of the folder of a version.

    Raises:
        FileNotFoundError: If there is no export.
    """
    while True:
        folder = find_version(path)
        try:
            result = read(folder)
        except Exception:
            if (folder / GRAPH).is_file() or folder == pathlib.Path(path):
                raise
        else:
            if (folder / GRAPH).is_file():
                return folder, result


def publish(
    path: str | os.PathLike,
    version: int | None,
    write: Callable[[pathlib.Path], None],
    keep: int | None = None,
) -> pathlib.Path:
    """Publishes a version in one step: it is written under a hidden name and then renamed.

    Servers only look at folders whose names are numbers. If the process is killed, a folder `.unfinished-...` is left,
    which the next call removes. Several processes may publish at the same time: each gets its own number.

    Args:
        path: Folder of the model; created if it does not exist.
        version: Number of the version; None for one more than the highest. Other files and folders with a number as
            their name, such as a file `9` or a folder `0001`, stay. Their numbers are not used, because a server may
            read them.
        write: Function that writes the version into a folder.
        keep: Number of versions to keep, the highest ones and the new one; all by default.

    Returns:
        The `pathlib.Path` of the version's folder.
    """
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as place:
        write(place)
        with alone(path):
            target = _rename(place, path, version)
            if keep is not None:
                _remove_old(path, int(target.name), keep, place)
    return target


def _rename(place, path, version):
    while True:
        target = path / str(version or _next(path))
        if target.exists() and not target.is_dir():  # some systems would overwrite it
            raise FileExistsError(f"Version {target.name} cannot be written: {target} is a file.")
        try:
            return place.rename(target)
        except OSError:
            if version or not target.exists():
                raise
            # Another process has just taken this number, on a file system without locks.


def _remove_old(path, new, keep, place):
    """Removes the lowest versions, except the new one."""
    others = [version for version in versions(path) if version != new]
    for old in others[: max(0, len(others) - (keep - 1))]:
        removed = place.with_name(f"old-{old}")
        try:
            (path / str(old)).rename(removed)  # in one step, so that a server never sees half of it
        except FileNotFoundError:  # another process was faster
            continue
        except OSError as error:  # the new version exists anyway
            warnings.warn(f"Version {old} in {path} could not be removed: {error}", stacklevel=2)
            continue
        shutil.rmtree(removed, ignore_errors=True)


def _next(path):
    """Returns one more than the highest number among the names in the folder."""
    number = max((number for number, _ in _numbered(path)), default=0) + 1
    if number > LAST:
        raise ValueError(
            f"`version` must be given, as the highest one in {path}, {number - 1}, has no next one. Servers store the "
            "number as a 64-bit integer."
        )
    return number


def _numbered(path):
    """Returns the names in a folder that a server can read as numbers: a list of pairs of number and name."""
    names = os.listdir(path) if path.is_dir() else []
    pairs = [(int(name), name) for name in names if re.fullmatch(r"[0-9]{1,100}", name)]
    return [(number, name) for number, name in pairs if number <= LAST]
