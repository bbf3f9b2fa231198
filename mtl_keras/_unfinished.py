"""A place to write what is to appear whole, and what is left there by writers that died."""

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
_LOCK = "lock"  # the file by whose lock others see that the writer lives
_OLD = 24 * 3600  # seconds after which a place without such a file is taken for left


@contextlib.contextmanager
def unfinished(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Gives a path in a hidden place of a folder, to be written to and then renamed into the folder.

    The place is gone afterwards, whatever happens. If the process is killed, the next call for the same folder removes
    it: the system then has released the lock that the writer held.

    Args:
        folder: Folder on whose file system the place is to be; it exists.

    Yields:
        A path where nothing is yet, for a file or a folder.
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
    """While it lasts, no other process and no other thread is inside of it for the same folder.

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
    """Returns a new place, and its lock, held: None where there are no locks."""
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
    """Removes the places in a folder whose writers are dead."""
    for place in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # locked, or gone already
            if fcntl is None or not (place / _LOCK).exists():
                if time.time() - place.stat().st_mtime > _OLD:
                    shutil.rmtree(place, ignore_errors=True)
                continue
            with open(place / _LOCK, "rb") as lock:  # held while it is removed, as its writer may have just made it
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(place, ignore_errors=True)
