"""LogTaskWeights."""

import csv

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.callbacks import LogTaskWeights
from mtl_keras.weightings import GramianWeighting
from tests.helpers import toy

TASKS = ["digit", "odd", "marks", "ink"]
LOSS_WEIGHTS = np.array([1.0, 0.5, 1.0, 2.0])  # of `toy.tasks()`


@keras.saving.register_keras_serializable("tests")
class Counted(GramianWeighting):
    """Answers 1 at the first step, 2 at the second and so on, for all tasks; so the effective weights are by hand."""

    def build(self, num_tasks):
        super().build(num_tasks)
        self.count = self.add_state("count", ())

    def call(self, gramian, losses, present):
        self.count.assign_add(1.0)
        return present * self.count


def _model(weighting=None, **arguments):
    return toy.model(optimizer=keras.optimizers.SGD(0.0), weighting=weighting, **arguments)


def _fit(model, *callbacks, **arguments):
    """Three steps an epoch, the last one with half a batch."""
    x, y = toy.arrays()
    return model.fit(x, y, callbacks=list(callbacks), **{"batch_size": 8, "verbose": 0, **arguments}).history


def _assert_record(callback, epochs, steps, counts):
    assert list(callback.history) == ["epoch", "step", *TASKS]
    assert (callback.history["epoch"], callback.history["step"]) == (epochs, steps)
    weights = np.transpose([callback.history[task] for task in TASKS])
    np.testing.assert_allclose(weights, np.outer(counts, LOSS_WEIGHTS), rtol=1e-6)


@pytest.mark.graph
def test_by_epoch_the_mean_over_its_steps():
    callback = LogTaskWeights()
    history = _fit(_model(Counted()), callback, epochs=2)
    _assert_record(callback, [0, 1], [3, 6], [2.0, 5.0])
    assert history["odd_weight"] == callback.history["odd"]


@pytest.mark.parametrize(
    ("every", "epochs", "steps"),
    [(1, [0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6]), (2, [0, 0, 1], [1, 3, 5]), (4, [0, 1], [1, 5]), (9, [0], [1])],
)
def test_every_n_steps_the_weights_of_the_step(every, epochs, steps):
    callback = LogTaskWeights(every=every)
    _fit(_model(Counted()), callback, epochs=2)
    _assert_record(callback, epochs, steps, steps)


@pytest.mark.graph
def test_under_steps_per_execution_the_weights_of_the_last_step():
    """Executions of two steps and one step."""
    callback = LogTaskWeights(every=2)
    _fit(_model(Counted(), steps_per_execution=2), callback, epochs=2)
    _assert_record(callback, [0, 0, 1], [2, 3, 5], [2, 3, 5])


def test_the_weights_in_between_are_those_of_the_last_renewal():
    callback = LogTaskWeights(every=1)
    _fit(_model(Counted(), every=2), callback, epochs=2)
    _assert_record(callback, [0, 0, 0, 1, 1, 1], [1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3])


def test_a_weighting_that_reads_losses():
    callback = LogTaskWeights(every=3)
    schedule = mtl.weightings.Schedule({"digit": lambda epoch: 0.5**epoch})
    _fit(_model(schedule), callback, epochs=3)
    assert callback.history["digit"] == [1.0, 0.5, 0.25]
    assert callback.history["ink"] == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("every", ["epoch", 3])
def test_without_a_weighting_the_loss_weights(every):
    callback = LogTaskWeights(every=every)
    history = _fit(_model(loss_weights={"digit": 4.0}), callback, epochs=2)
    assert callback.history["epoch"] == [0, 1]
    assert callback.history["step"] == ([3, 6] if every == "epoch" else [1, 4])
    assert [callback.history[task] for task in TASKS] == [[4.0] * 2, [0.5] * 2, [1.0] * 2, [2.0] * 2]
    assert [history[f"{task}_weight"] for task in TASKS] == [[4.0] * 2, [0.5] * 2, [1.0] * 2, [2.0] * 2]


def test_a_second_fit_goes_on():
    callback, model = LogTaskWeights(), _model(Counted())
    _fit(model, callback)
    _fit(model, callback)
    _assert_record(callback, [0, 0], [3, 6], [2.0, 5.0])


def _columns(path):
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [float(v) for v in values] for name, values in zip(header, zip(*rows, strict=True), strict=True)}


class TestCSV:
    def test_it_holds_the_history(self, tmp_path):
        callback = LogTaskWeights(tmp_path / "new" / "w.csv", every=2)
        _fit(_model(Counted()), callback, epochs=2)
        assert _columns(tmp_path / "new" / "w.csv") == callback.history

    def test_a_loaded_model_appends(self, tmp_path):
        path = tmp_path / "w.csv"
        model = _model(Counted())
        _fit(model, LogTaskWeights(path))
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        callback = LogTaskWeights(path)
        _fit(loaded, callback, initial_epoch=1, epochs=3)
        _assert_record(callback, [1, 2], [6, 9], [5.0, 8.0])
        assert _columns(path)["epoch"] == [0, 1, 2]
        assert _columns(path)["step"] == [3, 6, 9]
        np.testing.assert_allclose(_columns(path)["ink"], [4.0, 10.0, 16.0])

    def test_a_second_fit_appends_whatever_its_epoch(self, tmp_path):
        path, model = tmp_path / "w.csv", _model()
        for _ in range(2):
            _fit(model, LogTaskWeights(path))
        assert _columns(path)["epoch"] == [0, 0]
        assert _columns(path)["step"] == [3, 6]

    def test_a_new_training_starts_afresh(self, tmp_path):
        path = tmp_path / "w.csv"
        _fit(_model(), LogTaskWeights(path), epochs=2)
        _fit(_model(), LogTaskWeights(path))
        assert _columns(path)["epoch"] == [0]

    def test_a_file_of_other_tasks_stays(self, tmp_path):
        path = tmp_path / "w.csv"
        path.write_text("epoch,step,a,b\n0,3,1.0,1.0\n")
        with pytest.raises(ValueError, match=r"columns \['epoch', 'step', 'a', 'b'\].*goes on with .*'ink'\].*w.csv"):
            _fit(_model(), LogTaskWeights(path), initial_epoch=1, epochs=2)
        assert len(_columns(path)["a"]) == 1


@pytest.mark.parametrize("every", [0, -3, 1.5, True, "step", None])
def test_bad_every(every):
    with pytest.raises(ValueError, match=r"`every` must be an integer of at least 1. Received: ev"):
        LogTaskWeights(every=every)


class TestModelsThatDoNotSuit:
    def test_of_keras(self):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"`LogTaskWeights` needs a mtl_keras.MultiTaskModel. Received: Sequenti"):
            model.fit(np.eye(2), np.ones(2), callbacks=[LogTaskWeights()], verbose=0)

    def test_under_a_weighting_without_weights(self):
        with pytest.raises(ValueError, match=r"nothing to log: the weighting TrimmedMean.*Use `GradientConflict`"):
            _fit(_model("trimmed_mean"), LogTaskWeights())

    def test_of_other_tasks(self):
        callback = LogTaskWeights()
        _fit(_model(), callback)
        model = mtl.build_model((2,), [mtl.Task("a", mtl.heads.Regression())])
        model.compile("sgd")
        with pytest.raises(ValueError, match=r"has a record of the tasks \['digit', .* of another model, \['a'\]"):
            model.fit(np.eye(2), {"a": np.ones(2)}, callbacks=[callback], verbose=0)
