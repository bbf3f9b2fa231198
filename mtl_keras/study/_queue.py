"""The queue of runs in an Optuna storage, which several processes and machines work off."""

import contextlib
import json
import pathlib
import re
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from mtl_keras._extras import need
from mtl_keras._unfinished import alone
from mtl_keras.study.spaces import suggest

HEARTBEAT = 10  # seconds between the signs of life of a run
GRACE = 60  # seconds without any after which another process makes the run again
POLL = 1.0  # seconds between two looks at a queue in which all are being run
Key = tuple[str, str, int]  # candidate, "tune" or "final", number of the trial or seed
RUN, KEY, ABOUT, BEGUN = "run", "key", "mtl_keras", "begun"  # user attributes of trials and of the study


def optuna() -> Any:
    """Returns the module optuna."""
    return need("optuna", "study", "`mtl_keras.study`")


def open_storage(storage: Any) -> Any:
    """Returns an Optuna storage for a path of an SQLite file, a URL, a storage, or None: the memory of this process.

    Raises:
        ImportError: If the driver of the database is not installed.
        ValueError: If the database cannot be opened, or the file is none.
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
        with quiet():
            return optuna().storages.RDBStorage(
                url, heartbeat_interval=HEARTBEAT, grace_period=GRACE, engine_kwargs=options
            )
    except ImportError as failure:
        raise ImportError(f"`storage` needs the driver of its database, such as psycopg. {plain(failure)}") from failure
    except Exception as failure:  # of the database, of which there are many
        raise ValueError(
            "`storage` must be the file of an SQLite database, or the URL of a database. "
            f"Received: {str(storage)!r}. {plain(failure)[:300]}"
        ) from failure


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """While it lasts, Optuna logs errors alone, and does not warn that parts of it are new or used otherwise."""
    logging = optuna().logging
    level = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=optuna().exceptions.ExperimentalWarning)
            warnings.filterwarnings("ignore", "Heartbeat of storage is supposed to be used with")
            yield
    finally:
        logging.set_verbosity(level)


class Queue:
    """The runs of one study: those made, and those that wait.

    Args:
        storage: What `open_storage` takes.
        name: Name of the study in the storage.
        directions: Of the values of the trials.
    """

    def __init__(self, storage: Any, name: str, directions: tuple[str, ...] = ("maximize",), **options: Any):
        self.storage, self.name = storage, name
        self._parsed: dict[int, dict[str, Any]] = {}
        self._silent: dict[int, float] = {}  # since when a run has been seen that has not begun
        with quiet():
            self._opened = open_storage(storage)
            self.study = optuna().create_study(
                storage=self._opened, study_name=name, directions=directions, load_if_exists=True, **options
            )

    def about(self) -> dict[str, Any]:
        """Returns what the study says of itself; empty of a new one."""
        return json.loads(self.study.user_attrs.get(ABOUT, "{}"))

    def set_about(self, about: dict[str, Any]) -> None:
        """Stores what the study says of itself."""
        self.study.set_user_attr(ABOUT, json.dumps(about))

    def runs(self) -> dict[Key, dict[str, Any]]:
        """Returns what is stored of the runs that were made, or failed by their own error, by key."""
        found: dict[Key, dict[str, Any]] = {}
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state.is_finished() and RUN in trial.user_attrs:
                if trial.number not in self._parsed:
                    self._parsed[trial.number] = {**json.loads(trial.user_attrs[RUN]), "params": dict(trial.params)}
                found.setdefault(_key(trial), self._parsed[trial.number])
        return found

    def fill(self, ready: list[Key], drawn: Callable[[Key], dict[str, Any]]) -> None:
        """Queues the runs that are neither made nor queued nor being made.

        Args:
            ready: Keys of the runs that can be made.
            drawn: Function of a key that returns the numbers that the run tries.
        """
        with self._alone(), quiet():
            self.fail_dead()
            taken = {_key(trial) for trial in self.study.get_trials(deepcopy=False) if _counts(trial)}
            for key in ready:
                if key not in taken:
                    self.study.enqueue_trial(drawn(key), user_attrs={KEY: list(key)})

    def begin(self, trial: Any) -> None:
        """Says that a run has begun, and is alive from now on as long as Optuna gets its signs of life."""
        if hasattr(self._opened, "record_heartbeat"):
            self._opened.record_heartbeat(trial._trial_id)
        trial.set_user_attr(BEGUN, True)

    def fail_dead(self) -> None:
        """Marks the runs as failed whose process was killed.

        Optuna knows those that have given a sign of life. One that was killed before is dead if it has not begun for as
        long as this process has looked.
        """
        with quiet():
            optuna().storages.fail_stale_trials(self.study)
            running = self.study.get_trials(deepcopy=False, states=(optuna().trial.TrialState.RUNNING,))
            now = time.monotonic()
            silent = {t.number: self._silent.get(t.number, now) for t in running if BEGUN not in t.user_attrs}
            self._silent = silent
            for number, since in silent.items():
                if now - since > GRACE:
                    with contextlib.suppress(Exception):  # another process was faster
                        self.study.tell(number, state=optuna().trial.TrialState.FAIL)

    def waits(self) -> bool:
        """Returns whether a run waits."""
        waiting = optuna().trial.TrialState.WAITING
        return bool(self.study.get_trials(deepcopy=False, states=(waiting,)))

    def work(self, make: Callable[[Key, Any], tuple[float, dict[str, Any]]], spaces: Callable[[Key], dict]) -> None:
        """Makes the next run that waits, and stores it.

        Args:
            make: Function of the key and of Optuna's trial that returns the value and what is stored of the run. An
                error that it raises is stored as the run's own.
            spaces: Function of a key that returns the spaces that the run draws from.
        """
        pruned = optuna().TrialPruned

        def objective(trial):
            self.begin(trial)
            key = _key(trial)
            if key is None or self._is_made_elsewhere(trial, key):
                raise pruned("Another process has made this run.")
            suggest(trial, spaces(key))
            try:
                value, stored = make(key, trial)
            except Exception as error:  # whatever a user's model raises
                trial.set_user_attr(RUN, json.dumps({"error": plain(error)}))
                raise
            trial.set_user_attr(RUN, json.dumps(stored))
            return value

        with quiet():
            self.study.optimize(objective, n_trials=1, catch=(Exception,))

    def _is_made_elsewhere(self, trial, key):
        """Returns whether an earlier trial has the same key: two processes may have queued it at the same moment."""
        others = self.study.get_trials(deepcopy=False)
        return any(_counts(other) and _key(other) == key and other.number < trial.number for other in others)

    @contextlib.contextmanager
    def _alone(self):
        """While it lasts, no other process fills the queue; of a database on a server, `work` sorts it out."""
        if isinstance(self.storage, (str, pathlib.PurePath)) and "://" not in str(self.storage):
            with alone(pathlib.Path(self.storage).absolute().parent):
                yield
        else:
            yield


def until_done(queue: Queue, advance: Callable[[], bool], work: Callable[[], None], most: int | None = None) -> bool:
    """Works off a queue together with other processes; returns whether all runs are made.

    Args:
        queue: The queue.
        advance: Function that fills the queue, and returns whether all runs are made.
        work: Function that makes the next run.
        most: Number of runs after which to return in any case; None for no limit.
    """
    made = 0
    while not advance():
        if made == most:
            return False
        if queue.waits():
            work()
            made += 1
        else:
            time.sleep(POLL)
    return True


def plain(error):
    """Returns an error as a line of text, without the colours that Keras gives it."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", f"{type(error).__name__}: {error}")
    return " ".join(text.split())[:1000]


def _key(trial):
    key = trial.user_attrs.get(KEY)
    return None if key is None else tuple(key)


def _counts(trial):
    """Returns whether a trial waits, runs, or has stored a result, be it an error: not one that was killed."""
    return _key(trial) is not None and (not trial.state.is_finished() or RUN in trial.user_attrs)
