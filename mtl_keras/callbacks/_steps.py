"""How many steps were trained."""


class StepCounter:
    """Counts the steps of a `fit`, over the whole life of the optimizer and without waiting for the device.

    Args:
        callback: The Keras callback that tells it of epochs and batches, when its training begins.
    """

    def __init__(self, callback):
        self._callback = callback
        self.done = int(callback.model.optimizer.iterations.numpy())
        self.before_epoch = self.done

    def begin_epoch(self):
        self.before_epoch = self.done

    def end_batch(self, batch):
        """Counts the steps up to `batch`, the number in the epoch of the last step that an execution has room for."""
        steps = self._callback.params.get("steps") or batch + 1  # the last execution may run fewer
        self.done = self.before_epoch + min(batch + 1, steps)
