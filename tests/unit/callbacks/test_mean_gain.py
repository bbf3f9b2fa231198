"""MeanGain."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.callbacks import MeanGain
from mtl_keras.callbacks._directions import sign_of
from tests.helpers import toy

BASELINE = {"digit": 0.25, "odd": 0.5, "marks": 0.5, "ink": 2.0}


class Given(keras.callbacks.Callback):
    """Puts figures of the test into the logs, in place of what was evaluated."""

    def __init__(self, **figures):
        super().__init__()
        self.figures = figures

    def on_epoch_end(self, epoch, logs=None):
        logs.update({f"val_{name}": values[epoch] for name, values in self.figures.items()})


def _fit(model, *callbacks, epochs=2, **arguments):
    x, y = toy.arrays()
    arguments = {"validation_data": (x, y), "verbose": 0, **arguments}
    return model.fit(x, y, epochs=epochs, callbacks=list(callbacks), **arguments).history


def _two_tasks():
    model = mtl.build_model(toy.SHAPE, toy.tasks()[::3], tower=mtl.towers.MLP((8,)))  # digit: accuracy, ink: mae
    model.compile("sgd")
    return model


def _fit_given(callback, digit, ink, *others):
    x, y = toy.arrays()
    y = {task: y[task] for task in ("digit", "ink")}
    given = Given(digit_accuracy=digit, ink_mae=ink)
    options = {"validation_data": (x, y), "verbose": 0, "epochs": len(digit)}
    return _two_tasks().fit(x, y, callbacks=[given, callback, *others], **options).history["val_mean_gain"]


def test_gain_over_given_figures_by_hand():
    """digit (0.6 - 0.5) / 0.5 = 0.2; ink, lower is better, (2 - 1) / 2 = 0.5; then -0.4 and -0.5."""
    gains = _fit_given(MeanGain({"digit": 0.5, "ink": 2.0}), [0.6, 0.3], [1.0, 3.0])
    np.testing.assert_allclose(gains, [0.35, -0.45], rtol=1e-12)


def test_gain_over_the_first_epoch_by_hand():
    """Of the digit, whose first figure is 0, over the second one: 0, 0, then (0.6 - 0.4) / 0.4."""
    gains = _fit_given(MeanGain(), [0.0, 0.4, 0.6], [2.0, 1.0, 3.0])
    np.testing.assert_allclose(gains, [0.0, 0.25, 0.0], atol=1e-12)


def test_a_figure_that_is_nan_makes_the_gain_nan():
    nan = float("nan")
    np.testing.assert_array_equal(_fit_given(MeanGain(), [0.5, nan, 1.0], [2.0, 2.0, 2.0]), [0.0, nan, 0.5])
    np.testing.assert_array_equal(_fit_given(MeanGain(), [nan, 0.5, 1.0], [2.0, 2.0, 2.0]), [nan, 0.0, 0.5])


def test_equals_delta_m():
    history = _fit(toy.model(metrics=None), MeanGain(BASELINE))
    names = {"digit": "accuracy", "odd": "accuracy", "marks": "accuracy", "ink": "mae"}
    figures = {task: history[f"val_{task}_{name}"][1] for task, name in names.items()}
    assert 100 * history["val_mean_gain"][1] == pytest.approx(mtl.metrics.delta_m(figures, BASELINE, ["ink"]))


def test_without_metrics_the_losses():
    history = _fit(toy.model(), MeanGain())
    first, last = (np.array([history[f"val_{task}_loss"][i] for task in BASELINE]) for i in (0, 1))
    assert history["val_mean_gain"] == pytest.approx([0, np.mean((first - last) / first)])


def test_keras_callbacks_watch_it(tmp_path):
    stop = keras.callbacks.EarlyStopping("val_mean_gain", mode="max", patience=1)
    path = tmp_path / "best.keras"
    save = keras.callbacks.ModelCheckpoint(path, "val_mean_gain", mode="max", save_best_only=True)
    slow = keras.callbacks.ReduceLROnPlateau("val_mean_gain", mode="max", factor=0.1, patience=1)
    gain = MeanGain({"digit": 0.5, "ink": 1.0})
    gains = _fit_given(gain, [0.5, 0.4, 0.9], [1.0, 1.0, 1.0], slow, save, stop)
    assert gains == pytest.approx([0.0, -0.1])  # the third epoch was not trained
    assert float(slow.model.optimizer.learning_rate) == pytest.approx(0.001)  # from 0.01
    assert keras.saving.load_model(path).num_epochs == 1


def test_epochs_without_validation_have_no_gain():
    history = _fit(toy.model(), MeanGain(), epochs=4, validation_freq=2)
    assert len(history["val_mean_gain"]) == 2


def test_without_validation_data_it_warns():
    with pytest.warns(UserWarning, match="Pass `validation_data`"):
        _fit(toy.model(), MeanGain(), validation_data=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"baseline": [0.5]}, r"`baseline` must be a dict"),
        ({"baseline": {"digit": 0}}, r"`baseline\['digit'\]` must be a number other than 0"),
        ({"baseline": {"digit": float("nan")}}, r"`baseline\['digit'\]` must be a finite number"),
        ({"directions": {"digit": "up"}}, r"`directions\['digit'\]` must be one of 'max', 'min'"),
        ({"directions": "max"}, "`directions` must be a dict"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        MeanGain(**arguments)


def test_a_baseline_that_lacks_a_task():
    with pytest.raises(ValueError, match="`baseline` lacks the tasks"):
        _fit(toy.model(), MeanGain({"digit": 0.5}))


def test_a_metric_of_unknown_direction_needs_directions():
    def strange(y_true, y_pred):
        return keras.ops.mean(y_pred, axis=-1)

    model = toy.model(metrics={"digit": [strange]})
    with pytest.raises(ValueError, match=r"`directions` must say .*'strange'"):
        _fit(model, MeanGain())
    assert len(_fit(model, MeanGain(directions={"strange": "max"}))["val_mean_gain"]) == 2


HIGHER = ["accuracy", "macro_auc", "sparse_categorical_accuracy", "map", "span_f1"]
LOWER = ["mae", "mean_absolute_error", "binary_crossentropy", "loss"]


@pytest.mark.parametrize(("metric", "sign"), [*((m, 1) for m in HIGHER), *((m, -1) for m in LOWER)])
def test_directions_by_the_last_words(metric, sign):
    assert sign_of(metric, {}) == sign
    assert sign_of(metric, {metric: "max" if sign < 0 else "min"}) == -sign
