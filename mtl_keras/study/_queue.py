"""The queue of runs in an Optuna storage, which several processes and machines share."""

import contextlib
import json
import pathlib
import time
from collections.abc import Callable
from typing import Any

from mtl_keras._unfinished import alone
from mtl_keras.study import _storage
from mtl_keras.study._storage import open_storage, optuna, plain, quiet
from mtl_keras.study.spaces import suggest

POLL = 1.0  # seconds between two checks of a queue without waiting runs
Key = tuple[str, str, int]  # candidate, "tune" or "final", number of the trial or seed
RUN, KEY, ABOUT, BEGUN = "run", "key", "mtl_keras", "begun"  # user attributes of trials and of the study


class Queue:
    """The runs of one study: completed and waiting ones.

    Args:
        storage: As in `open_storage`.
        name: Name of the study in the storage.
        directions: Directions of the values of the trials.
    """

    def __init__(self, storage: Any, name: str, directions: tuple[str, ...] = ("maximize",), **options: Any):
        self.storage, self.name = storage, name
        self._parsed: dict[int, dict[str, Any]] = {}
        self._silent: dict[int, float] = {}  # {trial number: time when it was first seen without having begun}
        with quiet():
            self._opened = open_storage(storage)
            self.study = optuna().create_study(
                storage=self._opened, study_name=name, directions=directions, load_if_exists=True, **options
            )

    def about(self) -> dict[str, Any]:
        """Returns the stored description of the study; empty for a new one."""
        return json.loads(self.study.user_attrs.get(ABOUT, "{}"))

    def set_about(self, about: dict[str, Any]) -> None:
        """Stores the description of the study."""
        self.study.set_user_attr(ABOUT, json.dumps(about))

    def runs(self) -> dict[Key, dict[str, Any]]:
        """Returns the records of the runs that completed or failed by their own error, by key."""
        found: dict[Key, dict[str, Any]] = {}
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state.is_finished() and RUN in trial.user_attrs:
                if trial.number not in self._parsed:
                    self._parsed[trial.number] = {**json.loads(trial.user_attrs[RUN]), "params": dict(trial.params)}
                found.setdefault(_key(trial), self._parsed[trial.number])
        return found

    def fill(self, ready: list[Key], drawn: Callable[[Key], dict[str, Any]]) -> None:
        """Queues the runs that are neither completed, queued nor running.

        Args:
            ready: Keys of the runs that can be made.
            drawn: Function of a key that returns the numbers for the run.
        """
        with self._alone(), quiet():
            self.fail_dead()
            taken = {_key(trial) for trial in self.study.get_trials(deepcopy=False) if _counts(trial)}
            for key in ready:
                if key not in taken:
                    self.study.enqueue_trial(drawn(key), user_attrs={KEY: list(key)})

    def begin(self, trial: Any) -> None:
        """Marks a run as begun. From now on it counts as alive as long as it sends heartbeats to Optuna."""
        if hasattr(self._opened, "record_heartbeat"):
            self._opened.record_heartbeat(trial._trial_id)
        trial.set_user_attr(BEGUN, True)

    def fail_dead(self) -> None:
        """Marks the runs as failed whose process was killed.

        Optuna detects runs whose heartbeats stopped. A run that was killed before its first heartbeat counts as dead if
        it has not begun within the grace period since this process first saw it.
        """
        with quiet():
            optuna().storages.fail_stale_trials(self.study)
            running = self.study.get_trials(deepcopy=False, states=(optuna().trial.TrialState.RUNNING,))
            now = time.monotonic()
            silent = {t.number: self._silent.get(t.number, now) for t in running if BEGUN not in t.user_attrs}
            self._silent = silent
            for number, since in silent.items():
                if now - since > _storage.GRACE:
                    with contextlib.suppress(Exception):  # another process was faster
                        self.study.tell(number, state=optuna().trial.TrialState.FAIL)

    def waits(self) -> bool:
        """Returns whether a run waits."""
        waiting = optuna().trial.TrialState.WAITING
        return bool(self.study.get_trials(deepcopy=False, states=(waiting,)))

    def work(self, make: Callable[[Key, Any], tuple[float, dict[str, Any]]], spaces: Callable[[Key], dict]) -> None:
        """Makes the next waiting run, and stores it.

        Args:
            make: Function of the key and of Optuna's trial that returns the value and the record of the run. If it
                raises an error, that is stored as the result of the run.
            spaces: Function of a key that returns the spaces of the run.
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
            except Exception as error:  # a user's model may raise anything
                trial.set_user_attr(RUN, json.dumps({"error": plain(error)}))
                raise
            trial.set_user_attr(RUN, json.dumps(stored))
            return value

        with quiet():
            self.study.optimize(objective, n_trials=1, catch=(Exception,))

    def _is_made_elsewhere(self, trial, key):
        """Returns whether an earlier trial has the same key: two processes may queue it at the same moment."""
        others = self.study.get_trials(deepcopy=False)
        return any(_counts(other) and _key(other) == key and other.number < trial.number for other in others)

    @contextlib.contextmanager
    def _alone(self):
        """Within this context, no other process fills the queue. On a database server, `work` removes duplicates."""
        if isinstance(self.storage, (str, pathlib.PurePath)) and "://" not in str(self.storage):
            with alone(pathlib.Path(self.storage).absolute().parent):
                yield
        else:
            yield


def until_done(queue: Queue, advance: Callable[[], bool], work: Callable[[], None]) -> None:
    """Makes the runs of a queue together with other processes, until all runs are complete.

    Args:
        queue: The queue.
        advance: Function that fills the queue, and returns whether all runs are complete.
        work: Function that makes the next run.
    """
    while not advance():
        if queue.waits():
            work()
        else:
            time.sleep(POLL)


def _key(trial):
    key = trial.user_attrs.get(KEY)
    return None if key is None else tuple(key)


def _counts(trial):
    """Returns whether a trial waits, runs, or has stored a result or an error; False for killed ones."""
    return _key(trial) is not None and (not trial.state.is_finished() or RUN in trial.user_attrs)
