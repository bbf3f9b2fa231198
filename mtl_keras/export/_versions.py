"""Numbered versions of a model in a folder, as TensorFlow Serving expects them."""

import os
import pathlib
import shutil
import uuid
from collections.abc import Callable

from mtl_keras._arguments import count


def check_place(
    path: str | os.PathLike, version: int | None, keep: int | None
) -> tuple[pathlib.Path, int | None, int | None]:
    """Returns the arguments as plain values, or raises an error if a version cannot be written there."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"`path` must be a folder. Received a file: {path}.")
    version = None if version is None else count("version", version)
    keep = None if keep is None else count("keep", keep)
    if version is not None and (path / str(version)).exists():
        raise FileExistsError(
            f"Version {version} exists: {path / str(version)}. Leave `version` out for the next free one."
        )
    return path, version, keep


def versions(path: str | os.PathLike) -> list[int]:
    """Returns the sorted numbers of the versions in a folder."""
    return sorted(int(folder.name) for folder in pathlib.Path(path).glob("*") if folder.name.isdecimal())


def publish(
    path: str | os.PathLike,
    version: int | None,
    write: Callable[[pathlib.Path], None],
    keep: int | None = None,
) -> pathlib.Path:
    """Lets a version appear whole: it is written under a hidden name and then renamed.

    A server looks at folders whose names are numbers alone. What a kill leaves is a folder `.unfinished-...`.

    Args:
        path: Folder of the model, made if it is not there.
        version: Its number, or None for one more than the highest.
        write: Function that fills the folder it is given.
        keep: How many versions stay, the highest ones and the new one; all by default.

    Returns:
        The `pathlib.Path` of the version's folder.
    """
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    unfinished = _hidden(path)
    try:
        write(unfinished)
        target = _rename(unfinished, path, version)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    for old in [v for v in versions(path) if v != int(target.name)][::-1][(keep or len(versions(path))) - 1 :]:
        removed = _hidden(path)
        (path / str(old)).rename(removed)  # at once, so that a server never sees half of it either
        shutil.rmtree(removed)
    return target


def _rename(unfinished, path, version):
    while True:
        target = path / str(version or max(versions(path), default=0) + 1)
        try:
            return unfinished.rename(target)
        except OSError:
            if version or not target.exists():
                raise
            # Another process has just taken this number.


def _hidden(path):
    return path / f".unfinished-{uuid.uuid4().hex}"
