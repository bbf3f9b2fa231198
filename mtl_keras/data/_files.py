"""Finds the files for a path, pattern, folder or list."""

import glob
import os
import pathlib
from collections.abc import Sequence

from mtl_keras._arguments import error

Files = str | os.PathLike | Sequence[str | os.PathLike]


def find(files: Files, suffix: str) -> list[str]:
    """Returns the paths of files, in the order of a list, else sorted.

    Args:
        files: A path, a pattern such as `"day-*.parquet"`, a folder, or a list of them.
        suffix: Ending of the names of the files to read in a folder, such as `".parquet"`. Names that begin with "_"
            or "." are ignored.

    Raises:
        FileNotFoundError: If a file does not exist, or a pattern or folder has none.
        ValueError: If `files` is none of these.
    """
    if isinstance(files, str | os.PathLike):
        return _one(os.fspath(files), suffix)
    if not isinstance(files, Sequence) or not all(isinstance(file, str | os.PathLike) for file in files) or not files:
        raise ValueError(error("files", "a path, a pattern, a folder, or a list of them", files))
    return [path for file in files for path in _one(os.fspath(file), suffix)]


def _one(file, suffix):
    if os.path.isfile(file):
        return [file]
    if os.path.isdir(file):
        found = [str(path) for path in pathlib.Path(file).rglob(f"*{suffix}") if path.name[0] not in "._"]
        way_out = f"The folder has no file named *{suffix}."
    else:
        found = [path for path in glob.glob(file, recursive=True) if os.path.isfile(path)]
        way_out = "No file has this name or matches this pattern."
    if not found:
        raise FileNotFoundError(f"`files` must name files that exist. Received: {file!r}. {way_out}")
    return sorted(found)
