"""Optuna and its storages."""

import contextlib
import pathlib
import re
import time
import warnings
from collections.abc import Iterator
from typing import Any

from mtl_keras._extras import need
from mtl_keras._unlogged import unlogged

HEARTBEAT = 10  # seconds between the heartbeats of a run
GRACE = 60  # seconds without a heartbeat after which another process makes the run again


def optuna() -> Any:
    """Returns the module optuna."""
    return need("optuna", "study", "`mtl_keras.study`")


def open_storage(storage: Any) -> Any:
    """Returns an Optuna storage for the path of an SQLite file, a URL, a storage, or None (in memory).

    Raises:
        ImportError: If the driver of the database is not installed.
        ValueError: If the database cannot be opened, or the file is not a database.
    """
    if storage is None:
        return optuna().storages.InMemoryStorage()
    if not isinstance(storage, (str, pathlib.PurePath)):
        return storage
    url = str(storage)
    options: dict[str, Any] = {}
    if "://" not in url:
        pathlib.Path(url).absolute().parent.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{pathlib.Path(url).absolute()}"
    if url.startswith("sqlite"):
        options = {"connect_args": {"timeout": 60}}
    try:
        return _opened(url, options)
    except ImportError as failure:
        raise ImportError(f"`storage` needs the driver of its database, such as psycopg. {plain(failure)}") from failure
    except Exception as failure:  # of the database, of which there are many
        received = re.sub(r"(://[^/@]*?):[^/]*@", r"\1:***@", str(storage))  # without the password
        raise ValueError(
            "`storage` must be the file of an SQLite database, or the URL of a database. "
            f"Received: {received!r}. {plain(failure)[:300]}"
        ) from failure


def _opened(url, options, tries=10):
    """Opens a database, again if another process made its tables meanwhile."""
    for left in reversed(range(tries)):
        try:
            with quiet():
                return optuna().storages.RDBStorage(
                    url, heartbeat_interval=HEARTBEAT, grace_period=GRACE, engine_kwargs=options
                )
        except Exception as failure:  # of SQLAlchemy, an extra
            if not left or not re.search("already exists|UNIQUE constraint|Duplicate entry", str(failure)):
                raise
            time.sleep(0.2)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Within this context, Optuna logs only errors, and nothing warns of experimental features or of many models."""
    logging = optuna().logging
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings(), unlogged("triggered tf.function retracing"):  # each run has its own model
            warnings.filterwarnings("ignore", category=optuna().exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", "Heartbeat of storage is supposed to be used with")
            yield
    finally:
        logging.set_verbosity(level)


def plain(error):
    """Returns an error as one line of text, without the colours that Keras adds."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", f"{type(error).__name__}: {error}")
    return " ".join(text.split())[:1000]
