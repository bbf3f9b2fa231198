"""Tells the package which epoch `fit` is in."""

import keras

from mtl_keras import _epoch


class EpochClock(keras.callbacks.Callback):
    """Sets `_epoch.current` in training, and takes it back at the end; tells the weighting, if there is one."""

    def on_epoch_begin(self, epoch, logs=None):
        _epoch.current = epoch
        if self.model.weighting:
            self.model.weighting.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if self.model.weighting:
            self.model.weighting.on_epoch_end(epoch)

    def on_train_end(self, logs=None):
        _epoch.current = None
