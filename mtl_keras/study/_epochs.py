"""Callbacks of a run: keep the best epoch, and measure the time of epochs."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the best score, and stops if the score has not improved for a while.

    Unlike Keras' `EarlyStopping`, an epoch without a finite score is never the best.

    Args:
        score: Function of the logs of an epoch that returns a number; higher is better.
        patience: Number of epochs without a better score after which the training stops; None for never.
        on_score: Function of `(epoch, score)` that returns whether to stop, or None.
    """

    def __init__(self, score: Callable, patience: int | None, on_score: Callable | None = None):
        super().__init__()
        self.score, self.patience, self.on_score = score, patience, on_score
        self.epoch: int | None = None
        self.best = -math.inf
        self.logs: dict[str, float] = {}
        self._weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        score = self.score(logs)
        if math.isfinite(score) and score > self.best:
            self.best, self.epoch, self._weights = score, epoch, self.model.get_weights()
            self.logs = {name: float(value) for name, value in (logs or {}).items()}
        waited = epoch - (-1 if self.epoch is None else self.epoch)
        stop = self.on_score is not None and self.on_score(epoch, score)
        if stop or (self.patience is not None and waited >= self.patience):
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._weights is not None:
            self.model.set_weights(self._weights)
            self._weights = None


class Clock(keras.callbacks.Callback):
    """Measures the time of each epoch without validation, and stops the training at a time limit.

    Args:
        limit: Seconds of training, not counting the first step, which traces the graph; None for no limit.

    Attributes:
        epochs: List of the seconds of each epoch.
        first: Seconds of the first step.
        steps: Number of steps.
    """

    async_safe = True  # otherwise Keras would wait for each batch

    def __init__(self, limit: float | None = None):
        super().__init__()
        self.limit = limit
        self.epochs: list[float] = []
        self.first = 0.0
        self.steps = 0
        self._began = 0.0
        self._in_epoch = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began, self._in_epoch = time.perf_counter(), True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        spent = sum(self.epochs) + time.perf_counter() - self._began
        self.first = self.first or spent
        if self.limit is not None and spent - self.first >= self.limit:
            self.model.stop_training = True

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._stop()
        self.steps = self.model.progress.num_steps

    def _stop(self):
        if self._in_epoch:
            self.epochs.append(time.perf_counter() - self._began)
        self._in_epoch = False
