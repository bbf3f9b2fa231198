"""Logs the mean gain of all tasks."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import keras

from mtl_keras._arguments import by_task, error, number
from mtl_keras._registry import public
from mtl_keras.callbacks._check import check_model
from mtl_keras.callbacks._directions import check_directions, first_metrics, mean_gain, sign_of


@public
class MeanGain(keras.callbacks.Callback):
    """Logs `val_mean_gain`: the mean gain of the tasks on validation data.

    It is 1/T · Σ_t ±(m_t − b_t) / |b_t| over the first metric m of each task, with the sign − if lower values are
    better. Keras' `EarlyStopping`, `ModelCheckpoint` and `ReduceLROnPlateau` can then monitor one number for all tasks,
    with `monitor="val_mean_gain", mode="max"`. Put this callback before them in the list of callbacks. With the metrics
    of single-task models as the baseline, 100 times this number is `metrics.delta_m`.

    The direction of a metric follows from the end of its name. Higher is better for `accuracy`, `auc`, `f1`,
    `precision`, `recall`, `map`, `iou`, `r2`, `correlation` and `score`; lower is better for `loss`, `mae`, `mse`,
    `rmse`, `mape`, `error`, `crossentropy`, `divergence` and `perplexity`. For other metrics use `directions`.

    Args:
        baseline: `{task: number}`, such as the metrics of single-task models. None for the metrics of the first epoch;
            for a task whose metric is 0 there, the first value that is not 0.
        directions: `{metric or task: "max" or "min"}`, for metrics whose direction is not known or differs from the
            above.

    Raises:
        ValueError: If a number of the baseline is 0 or not finite; when training begins, if the baseline lacks a task,
            or a direction is not known.

    Warns:
        UserWarning: At the end of a training without validation data.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks)
    model.compile("adam")
    data = np.ones((10, 8, 8)), {"digit": np.arange(10), "odd": np.arange(10) % 2}
    stop = keras.callbacks.EarlyStopping("val_mean_gain", mode="max", patience=2, restore_best_weights=True)
    gain = mtl.callbacks.MeanGain({"digit": 0.5, "odd": 0.8})
    history = model.fit(*data, validation_data=data, epochs=2, callbacks=[gain, stop], verbose=0)
    history.history["val_mean_gain"]  # two numbers
    ```

    Reference: K.-K. Maninis, I. Radosavovic, I. Kokkinos, "Attentive Single-Tasking of Multiple Tasks", 2019.
    """

    def __init__(self, baseline: dict[str, float] | None = None, directions: dict[str, str] | None = None) -> None:
        super().__init__()
        if baseline is not None and not isinstance(baseline, Mapping):
            raise ValueError(error("baseline", "a dict {task: figure} or None", baseline))
        for task, figure in (baseline or {}).items():
            if number(f"baseline[{task!r}]", figure) == 0:
                raise ValueError(
                    error(f"baseline[{task!r}]", "a number other than 0, because gains are relative to it", 0)
                )
        self.baseline = None if baseline is None else {task: float(figure) for task, figure in baseline.items()}
        self.directions = check_directions(directions)

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        check_model(self, model)
        self._metrics = first_metrics(model)
        self._signs = {task: sign_of(metric, self.directions, task) for task, metric in self._metrics.items()}
        if self.baseline is not None:
            by_task("baseline", self.baseline, self._metrics, complete=True)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._from = dict(self.baseline or {})
        self._logged = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        names = {task: f"val_{task}_{metric}" for task, metric in self._metrics.items()}
        if not all(name in logs for name in names.values()):
            return  # an epoch without validation
        figures = {task: float(logs[name]) for task, name in names.items()}
        for task, figure in figures.items():
            if figure and math.isfinite(figure):
                self._from.setdefault(task, figure)
        start = {task: self._from.get(task, 1.0) for task in figures}
        now = {
            task: figure if task in self._from or figure else 1.0 for task, figure in figures.items()
        }  # until the first figure other than 0, the gain is 0
        logs["val_mean_gain"] = mean_gain(now, start, self._signs)
        self._logged = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self._logged:
            warnings.warn(
                "`MeanGain` has logged nothing, because no epoch had validation figures. Pass `validation_data`.",
                stacklevel=2,
            )
