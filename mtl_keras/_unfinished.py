"""Temporary places to write files and folders that must appear complete, and their removal after a crash."""

import contextlib
import os
import pathlib
import shutil
import time
import uuid
from collections.abc import Iterator
from typing import IO

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

PREFIX = ".unfinished-"
_LOCK = "lock"  # the writer holds a lock on this file while it is alive
_OLD = 24 * 3600  # seconds after which a place without a lock file counts as abandoned


@contextlib.contextmanager
def unfinished(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a path in a hidden place of a folder. Write to it, then rename it into the folder.

    The place is always removed afterwards. If the process is killed, the next call for the same folder removes it,
    because the system has then released the lock of the writer.

    Args:
        folder: An existing folder, on the file system where the place is created.

    Yields:
        A path that does not exist yet, for a file or a folder.
    """
    folder = pathlib.Path(folder)
    _remove_left(folder)
    place, lock = _make(folder)
    try:
        yield place / "new"
    finally:
        if lock is not None:
            lock.close()
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def alone(folder: pathlib.Path) -> Iterator[None]:
    """Within this context, no other process or thread is in the same context for this folder.

    On Windows, and on file systems without locks for folders, it does nothing.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make(folder: pathlib.Path) -> tuple[pathlib.Path, IO | None]:
    """Returns a new place and its lock, which is held; None if there are no locks."""
    while True:
        place = folder / f"{PREFIX}{uuid.uuid4().hex}"
        place.mkdir()
        if fcntl is None:
            return place, None
        lock = open(place / _LOCK, "wb")  # noqa: SIM115  (open as long as the place)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            lock.close()
            (place / _LOCK).unlink()
            return place, None
        if (place / _LOCK).exists():
            return place, lock
        lock.close()  # another process has removed the place before it was locked


def _remove_left(folder: pathlib.Path) -> None:
    """Removes the places in a folder whose writers have died."""
    for place in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # locked, or already removed
            if fcntl is None or not (place / _LOCK).exists():
                if time.time() - place.stat().st_mtime > _OLD:
                    shutil.rmtree(place, ignore_errors=True)
                continue
            with open(place / _LOCK, "rb") as lock:  # held during removal, because its writer may have just created it
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
