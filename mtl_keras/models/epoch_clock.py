"""Tells the data and the weighting which epoch `fit` is in, and looks at what the steps found."""

import threading

import keras

from mtl_keras.data._epochs import Facts, Place
from mtl_keras.models.check import check_ranges


class EpochClock(keras.callbacks.Callback):
    """Follows the epochs of one `fit`: its place in the data, the weighting, the model's count of epochs and steps.

    Raises the error for labels that are out of range: after the first batch, and after each epoch.

    Args:
        place: The `Place` of the run in its data, or None for data that do not know of epochs.
        facts: What is known of the rows of the data. Of a mix, the logs of an epoch tell the rows of each source.
    """

    async_safe = True  # or Keras would wait for each batch

    def __init__(self, place: Place | None = None, facts: Facts | None = None):
        super().__init__()
        self._rows_of = facts and facts.rows_of
        self.place = place
        self._lock = threading.Lock()  # Keras calls it for several batches at once, in any order
        self._before = None  # epochs before this `fit`, where it counts from 0 again

    def on_train_begin(self, logs=None):
        self._is_first = True

    def on_train_batch_end(self, batch, logs=None):
        # `batch` is the last step that an execution has room for; the last execution may run fewer.
        steps = (self.params or {}).get("steps") or batch + 1
        with self._lock:
            progress = self.model.progress
            progress.num_steps = max(progress.num_steps, self._steps_before + min(batch + 1, steps))
        if self._is_first:
            check_ranges(self.model.objectives)
        self._is_first = False

    def on_test_begin(self, logs=None):
        check_ranges(self.model.objectives)  # before a validation resets what was counted

    def on_epoch_begin(self, epoch, logs=None):
        if self._before is None:  # not when training begins, as another callback may load weights then
            self.model.progress.start(self.model.optimizer)
            self._before = self.model.num_epochs if epoch == 0 else 0
        self._steps_before = self.model.progress.num_steps
        if self.place:
            self.place.epoch = self._before + epoch
        if self.model.weighting:
            self.model.weighting.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch, logs=None):
        check_ranges(self.model.objectives)
        self.model.num_epochs = self._before + epoch + 1
        if self.model.weighting:
            self.model.weighting.on_epoch_end(epoch)
        if self._rows_of and logs is not None:
            rows = self._rows_of(self._before + epoch, self.place.steps_per_epoch)
            logs.update({f"rows_{source}": number for source, number in rows.items()})
