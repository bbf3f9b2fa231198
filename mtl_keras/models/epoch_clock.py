"""Tells the package which epoch `fit` is in, and looks at what the steps found."""

import keras

from mtl_keras import _epoch
from mtl_keras.models.check import check_ranges


class EpochClock(keras.callbacks.Callback):
    """Sets `_epoch.current` in training, and takes it back at the end; tells the weighting, if there is one.

    Raises the error for labels that are out of range: after the first batch, and after each epoch.
    """

    async_safe = True  # or Keras would wait for each batch

    def on_train_begin(self, logs=None):
        self._is_first = True

    def on_train_batch_end(self, batch, logs=None):
        if self._is_first:
            check_ranges(self.model.objectives)
        self._is_first = False

    def on_test_begin(self, logs=None):
        check_ranges(self.model.objectives)  # before a validation resets what was counted

    def on_epoch_begin(self, epoch, logs=None):
        _epoch.current = epoch
        if self.model.weighting:
            self.model.weighting.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch, logs=None):
        check_ranges(self.model.objectives)
        if self.model.weighting:
            self.model.weighting.on_epoch_end(epoch)

    def on_train_end(self, logs=None):
        _epoch.current = None
