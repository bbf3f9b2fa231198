"""What callbacks record of a run that was killed and taken up: every step once, in order, under its number."""

import csv

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.callbacks import GradientConflict, LogTaskWeights

X = np.linspace(-1.0, 1.0, 18, dtype="float32").reshape(6, 3)
Y = {"a": X[:, 0], "b": np.array([0, 1, 1, 0, 1, 0])}


def _model(optimizer="sgd", **arguments):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
    model = mtl.build_model((3,), tasks, tower=keras.layers.Dense(3))
    model.compile(optimizer, metrics=[], **arguments)
    return model


def _fit(model, *callbacks, **arguments):
    """Three steps an epoch, in the order of the rows."""
    model.fit(X, Y, callbacks=list(callbacks), **{"batch_size": 2, "shuffle": False, "verbose": 0, **arguments})


class _Kill(keras.callbacks.Callback):
    """Stops the training in the middle of the third epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.model.progress.num_steps == 8:
            raise KeyboardInterrupt


def _columns(path):
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, zip(*rows, strict=True), strict=True))


RECORDERS = {
    "weights_by_epoch": (lambda path: LogTaskWeights(path), [3, 6, 9, 12], lambda c: c.history["step"]),
    "weights_by_step": (lambda path: LogTaskWeights(path, every=2), [1, 3, 5, 7, 9, 11], lambda c: c.history["step"]),
    "conflict": (lambda path: GradientConflict(2, path=path), [1, 3, 5, 7, 9, 11], lambda c: c.steps),
    "conflict_of_a_batch": (lambda path: GradientConflict(2, (X, Y), path), [1, 3, 5, 7, 9, 11], lambda c: c.steps),
}


@pytest.mark.parametrize(
    ("recorder", "backup_is", "same_callback"),
    [
        ("weights_by_epoch", "first", True),
        ("weights_by_step", "last", False),
        ("conflict", "first", True),
        ("conflict_of_a_batch", "last", False),
        *(
            pytest.param(recorder, *order, marks=pytest.mark.slow)
            for recorder, order in zip(RECORDERS, [("last", False), ("first", True)] * 2, strict=True)
        ),
    ],
)
def test_steps_go_on_whatever_the_order_of_the_callbacks(recorder, backup_is, same_callback, tmp_path):
    make, expected, steps = RECORDERS[recorder]
    path = tmp_path / "record.csv"

    def ordered(callback):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [backup, callback] if backup_is == "first" else [callback, backup]

    killed = make(path)
    with pytest.raises(KeyboardInterrupt):
        _fit(_model(), *ordered(killed), _Kill(), epochs=4)
    resumed = killed if same_callback else make(path)
    _fit(_model(), *ordered(resumed), epochs=4)
    assert [int(step) for step in _columns(path)["step"]] == expected
    first = 0 if same_callback else next(i for i, step in enumerate(expected) if step > 6)
    assert steps(resumed) == expected[first:]
    if recorder == "conflict":
        whole = make(None)
        _fit(_model(), whole, epochs=4)
        np.testing.assert_array_equal(resumed.cosines, whole.cosines[first:])
        assert resumed.epochs == whole.epochs[first:]


@pytest.mark.parametrize(("recorder", "load"), [("weights_by_step", "keras"), ("conflict", "weights")])
def test_steps_go_on_after_a_load(recorder, load, tmp_path):
    make, _, steps = RECORDERS[recorder]
    model = _model()
    _fit(model, epochs=2)
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    if load == "keras":
        other = keras.models.load_model(tmp_path / "m.keras")
    else:
        other = _model()
        other.optimizer.build(other.trainable_variables)
        other.load_weights(tmp_path / "m.weights.h5")
    callback = make(None)
    _fit(other, callback, initial_epoch=2, epochs=3)
    assert steps(callback) == [7, 9]


@pytest.mark.parametrize("recorder", ["weights_by_step", "conflict"])
def test_accumulated_steps_count(recorder):
    """The optimizer counts one for two of them."""
    make, expected, steps = RECORDERS[recorder]
    model, callback = _model(keras.optimizers.SGD(gradient_accumulation_steps=2)), make(None)
    _fit(model, callback, epochs=2)
    _fit(model, callback, epochs=2)
    assert steps(callback) == expected


def test_skipped_steps_count():
    model, callback = _model(weighting="equal"), LogTaskWeights(every=1)
    _fit(model, callback)
    bad = X.copy()
    bad[:2] = np.inf
    model.fit(bad, Y, batch_size=2, shuffle=False, callbacks=[callback], verbose=0)
    _fit(model, callback)
    assert callback.history["step"] == list(range(1, 10))


def test_a_new_optimizer_counts_from_one():
    model, callback = _model(), LogTaskWeights(every=1)
    _fit(model)
    model.compile("sgd", metrics=[])
    _fit(model, callback)
    assert callback.history["step"] == [1, 2, 3]


def test_half_a_row_that_a_kill_left_is_removed(tmp_path):
    path = tmp_path / "w.csv"
    model = _model()
    _fit(model, LogTaskWeights(path, every=1))
    path.write_bytes(path.read_bytes()[:-4])  # the end of the line, and two digits
    _fit(model, LogTaskWeights(path, every=1))
    assert _columns(path)["step"] == ("1", "2", "4", "5", "6")
    assert set(_columns(path)["a"]) == {"1.0"}


@pytest.mark.slow
def test_an_initial_epoch_alone_keeps_what_a_file_holds(tmp_path):
    """The model has made no step, so that those of the file cannot be told from its own."""
    path = tmp_path / "w.csv"
    _fit(_model(), LogTaskWeights(path))
    _fit(_model(), LogTaskWeights(path), initial_epoch=1, epochs=2)
    assert _columns(path)["epoch"] == ("0", "1")
