"""Writes backups of a training, to continue it after an interruption."""

import os
import pathlib
import signal
import threading
from collections.abc import Callable
from typing import Any

import keras

from mtl_keras._arguments import count, error
from mtl_keras._registry import public
from mtl_keras.callbacks import _backup_file
from mtl_keras.callbacks._check import check_model
from mtl_keras.models.run_state import Keeper, RunState

_KEPT = 2


@public
class Backup(Keeper):
    """Writes backups of a training. The same `fit` continues from them, bit for bit as if it had not been interrupted.

    To continue, run the same program again: if the folder has a backup when `fit` begins, `fit` starts from there. A
    backup holds the model, the weighting, the optimizer, the seeds of the layers, the metrics so far, the place in the
    data, and the state of the other callbacks, such as the counters of `keras.callbacks.EarlyStopping`, the records of
    `LogTaskWeights` and the `History` that `fit` returns. For a custom callback, it holds the attributes that are
    numbers, strings, arrays, or lists and dicts of them. If the callback has `get_state()`, it holds the result of that
    instead, and passes it to `set_state(state)`.

    On SIGTERM, such as from a cluster that takes the machine back, the program finishes the current step or validation,
    writes a backup, and ends with exit status 143.

    With several workers, only the chief writes and reads the folder, and sends the others what they need. The state of
    the callbacks is that of the chief. A SIGTERM to one worker stops all of them after the same step. If a worker dies,
    start all of them again.

    A backup is written under another name and then renamed, so it is always complete. The last two are kept. They are
    removed when the training is complete. Give each `fit` its own folder.

    Args:
        folder: Folder for the backups; created if it does not exist.
        save_freq: When to write a backup: `"epoch"`, after each epoch; or a number of steps. Backups within an epoch,
            including those on SIGTERM, need a dataset of `mtl_keras.data`, which can start within an epoch.

    Raises:
        ValueError: If `save_freq` is neither; when `fit` begins, if the data cannot start within an epoch, or a backup
            is cut off, damaged, or of another model.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    model.compile("adam")
    train = mtl.data.from_arrays(np.ones((64, 8, 8)), {"digit": np.arange(64) % 10, "odd": np.arange(64) % 2})
    model.fit(train, epochs=3, callbacks=[mtl.callbacks.Backup("backups", save_freq=100)], verbose=0)
    ```
    """

    def __init__(self, folder: str | os.PathLike, save_freq: int | str = "epoch") -> None:
        super().__init__()
        if not isinstance(folder, str | os.PathLike) or not str(folder):
            raise ValueError(error("folder", "the path of a folder", folder))
        if save_freq != "epoch":
            save_freq = count("save_freq", save_freq, hint='It is a number of steps, or save_freq="epoch".')
        self.folder = pathlib.Path(folder)
        self.save_freq = save_freq
        self._last = 0  # the number of steps at the last backup
        self._starts_within = False
        self._stop = threading.Event()
        self._handler: Any = None

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        if threading.current_thread() is threading.main_thread():
            self._handler = signal.signal(signal.SIGTERM, lambda number, frame: self._stop.set())
            model.add_ending(self._give_signal_back)

    def load(self, model: Any, starts_within: bool) -> RunState | None:
        check_model(self, model)
        self._starts_within = starts_within
        if self.save_freq != "epoch" and not starts_within:
            raise ValueError(
                f'`save_freq` must be "epoch" for data that cannot start within an epoch. Received: {self.save_freq}. '
                "Use a dataset of `mtl_keras.data`, such as `from_arrays`."
            )
        workers = model.workers
        found = _backup_file.files(self.folder)[-1:] if workers.is_chief else []
        name = workers.from_chief(found[0].name.encode() if found else b"").decode()
        if not name:
            return None
        data = workers.from_chief(found[0].read_bytes() if found else b"")
        state = _backup_file.read(self.folder / name, data, model.task_names)
        self._last = state.num_steps
        return state

    def at_rest(self, step: int, state: Callable[[], RunState]) -> None:
        workers = self.model.workers
        stopped = workers.any(self._stop.is_set())
        since = self.model.progress.num_steps - self._last
        due = not step if self.save_freq == "epoch" else since >= int(self.save_freq)
        if (due or stopped) and (not step or self._starts_within):
            written = state()
            workers.by_chief(lambda: self._write(written))
            self._last = written.num_steps
        if stopped:
            raise SystemExit(128 + signal.SIGTERM)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.model.workers.is_chief:
            for path in _backup_file.files(self.folder):
                path.unlink(missing_ok=True)

    def _write(self, state):
        self.folder.mkdir(parents=True, exist_ok=True)
        _backup_file.write(self.folder, state, self.model.task_names, _KEPT)

    def _give_signal_back(self):
        signal.signal(signal.SIGTERM, self._handler or signal.SIG_DFL)
