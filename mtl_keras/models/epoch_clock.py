"""Tells the data and the weighting which epoch `fit` is in, and checks what the steps recorded."""

import threading
from typing import Any

import keras

from mtl_keras.data._epochs import Facts, Place
from mtl_keras.models import callback_states
from mtl_keras.models.check import check_ranges
from mtl_keras.models.run_state import Keeper, RunState, assign, run_variables_of, values_of, variables_of


class EpochClock(keras.callbacks.Callback):
    """Follows the epochs of one `fit`: sets its place in the data, informs the weighting, counts epochs and steps.

    It is the first callback. When a step starts, all callbacks have therefore seen the step before. It raises the error
    for labels out of range: after the first batch, and after each epoch.

    Args:
        place: The `Place` of the run in its data; None for data that do not depend on the epoch.
        facts: Known facts about the rows of the data. For a mix, the logs of an epoch have the rows of each source.
        starts_within: Whether the data can start within an epoch.
        callbacks: The callbacks of the run. A `Keeper` among them is called between the steps.
    """

    def __init__(
        self,
        place: Place | None = None,
        facts: Facts | None = None,
        starts_within: bool = False,
        callbacks: list | tuple = (),
    ):
        super().__init__()
        self._rows_of = facts and facts.rows_of
        self.place = place
        self._lock = threading.Lock()  # Keras may call it for several batches at once, in any order
        self._before: int | None = None  # epochs before this `fit`, if it counts from 0 again
        self._callbacks = list(callbacks)
        keepers = [callback for callback in callbacks if isinstance(callback, Keeper)]
        if len(keepers) > 1:
            raise ValueError(f"`callbacks` must have one backup at most. Received: {len(keepers)} backups.")
        self._starts_within = starts_within
        self._keeper = keepers[0] if keepers else None
        self._resumed: RunState | None = None
        self._at_first: list | None = None  # the states of the callbacks
        self._first_step = 0  # first step of this epoch in this run
        self._cuts_short = False
        self.async_safe = self._keeper is None  # otherwise Keras would wait for each batch

    def resume(self, model: Any) -> int | None:
        """Resumes a run from the state of its keeper, before Keras' `fit`, and returns the epoch to start at."""
        state = self._keeper and self._keeper.load(model, self._starts_within)
        if not state:
            return None
        replicas = model.distribute_strategy.num_replicas_in_sync
        if state.num_replicas != replicas:
            raise ValueError(
                f"The backup is of a run with {state.num_replicas} replicas, and this one has {replicas}. Use the "
                "same number of workers and devices as the run that made the backup, or another folder."
            )
        assign(model, variables_of(model), state.variables, "variables")
        model.num_epochs, model.progress.num_steps = state.num_epochs, state.num_steps
        self._resumed, self._before = state, state.epochs_before
        return state.epoch

    def on_train_begin(self, logs=None):
        self._is_first = True

    def on_train_batch_begin(self, batch, logs=None):
        if self._resumed:  # only now, because other callbacks change the model when an epoch begins
            assign(self.model, run_variables_of(self.model), self._resumed.run_variables, "metrics")
            self._resumed = None
        elif self._keeper and batch:
            step = self._first_step + batch
            self._keeper.at_rest(step, lambda: self._state(self._epoch, step))

    def on_train_batch_end(self, batch, logs=None):
        # `batch` is the last step that fits into an execution; the last execution may have fewer steps.
        steps = ((self.params or {}).get("steps") or batch + 1 + self._first_step) - self._first_step
        with self._lock:
            progress = self.model.progress
            progress.num_steps = max(progress.num_steps, self._steps_before + min(batch + 1, steps))
        if self._is_first:
            check_ranges(self.model.objectives)
        self._is_first = False
        if self._first_step and batch + 1 >= steps and not self.model.stop_training:
            self._cuts_short = self.model.stop_training = True  # Keras counts this as a whole epoch

    def on_test_begin(self, logs=None):
        check_ranges(self.model.objectives)  # before a validation resets the counts

    def on_epoch_begin(self, epoch, logs=None):
        self._first_step = 0
        if self._keeper and self._at_first is None:
            self._at_first = callback_states.of(self._all_callbacks())
        if self._resumed:
            self._first_step = self._resumed.step
            callback_states.restore(self._all_callbacks(), self._resumed.callbacks)
        elif self._before is None:  # not when training begins, because another callback may load weights then
            self.model.progress.start(self.model.optimizer)
            self._before = self.model.num_epochs if epoch == 0 else 0
        elif self._keeper:
            self._keeper.at_rest(0, lambda: self._state(epoch, 0))
        self._epoch = epoch
        self._steps_before = self.model.progress.num_steps
        if self.place:
            self.place.epoch, self.place.step = self._before + epoch, self._first_step
        if self.model.weighting and not self._first_step:
            self.model.weighting.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if self._cuts_short:
            self._cuts_short = self.model.stop_training = False
        check_ranges(self.model.objectives)
        self.model.num_epochs = self._before + epoch + 1
        if self.model.weighting:
            self.model.weighting.on_epoch_end(epoch)
        if self._rows_of and logs is not None:
            rows = self._rows_of(self._before + epoch, self.place.steps_per_epoch)
            logs.update({f"rows_{source}": number for source, number in rows.items()})

    def on_train_end(self, logs=None):
        if self._resumed:  # the run was already complete
            callback_states.restore(self._all_callbacks(), self._resumed.callbacks)
        elif self._keeper:
            self._keeper.at_rest(0, lambda: self._state(self.params["epochs"], 0))

    def _state(self, epoch, step):
        return RunState(
            epoch=epoch,
            step=step,
            epochs_before=self._before,
            num_epochs=self.model.num_epochs,
            num_steps=self.model.progress.num_steps,
            num_replicas=self.model.distribute_strategy.num_replicas_in_sync,
            variables=values_of(self.model, variables_of(self.model)),
            run_variables=values_of(self.model, run_variables_of(self.model)),
            callbacks=callback_states.of(self._all_callbacks(), self._at_first),
        )

    def _all_callbacks(self):
        """Returns the callbacks of the run, including the history that Keras adds."""
        return [*(one for one in self._callbacks if one is not self._keeper), self.model.history]
