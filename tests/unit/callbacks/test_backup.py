"""A training that is interrupted and taken up equals one that is not, bit for bit."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.callbacks import Backup
from tests.helpers import toy

ROWS = 24
BATCH = 4  # 6 steps an epoch


class Killed(Exception):
    pass


class Killer(keras.callbacks.Callback):
    """Ends the program before a step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.progress.num_steps == self.step:
            raise Killed


class Counter(keras.callbacks.Callback):
    """A custom callback with a state of its own."""

    def __init__(self):
        super().__init__()
        self.seen = {"batches": 0, "last": (0, None)}

    def on_train_batch_end(self, batch, logs=None):
        self.seen["batches"] += 1
        self.seen["last"] = (self.seen["batches"], np.float32(logs["loss"]))


def arrays():
    x, y = toy.arrays(rows=ROWS)
    y = {task: y[task] for task in ("digit", "odd")}
    weights = {task: np.ones(ROWS, "float32") for task in y}
    weights["odd"][: ROWS // 2] = 0.0
    return x, y, weights


def data(change=lambda dataset: dataset):
    x, y, weights = arrays()
    return change(mtl.data.from_arrays(x, y, BATCH, sample_weight=weights, shuffle=True, seed=4))


def model_of(weighting, **options):
    keras.utils.set_random_seed(3)
    model = mtl.build_model(toy.SHAPE, toy.tasks()[:2], tower=mtl.towers.MLP((4,), dropout=0.3))
    model.compile(keras.optimizers.Adam(0.01), weighting=weighting, **options)
    return model


def callbacks_of():
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, factor=0.5),
        mtl.callbacks.MeanGain(),
        Counter(),
    ]


def run(folder, kill=None, weighting="equal", change=lambda dataset: dataset, more=list, every=1, epochs=4, **options):
    """Trains, and returns the model, what its callbacks found, and the history."""
    steps_per_epoch = options.pop("steps_per_epoch", None)
    model, callbacks = model_of(weighting, **options), callbacks_of() + more()
    if folder:
        callbacks.append(Backup(folder, save_freq=every))
    if kill is not None:
        callbacks.append(Killer(kill))
    valid = mtl.data.from_arrays(*arrays()[:2], BATCH)
    history = model.fit(
        data(change),
        validation_data=valid,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=callbacks,
        verbose=0,
    )
    return model, callbacks, history


def assert_same(one, other):
    for v, w in zip(
        one[0].variables + one[0].optimizer.variables, other[0].variables + other[0].optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=v.path)
    assert one[2].epoch == other[2].epoch
    assert one[2].history.keys() == other[2].history.keys()
    for name, values in one[2].history.items():
        np.testing.assert_array_equal(values, other[2].history[name], err_msg=name)
    (stop, plateau, gain, counter), (stop2, plateau2, gain2, counter2) = one[1][:4], other[1][:4]
    assert (stop.wait, stop.best, stop.best_epoch) == (stop2.wait, stop2.best, stop2.best_epoch)
    assert (plateau.wait, plateau.best) == (plateau2.wait, plateau2.best)
    assert gain._from == gain2._from
    assert counter.seen == counter2.seen


def check(folder, kill, every=1, **options):
    with pytest.raises(Killed):
        run(folder, kill, every=every, **options)
    assert 1 <= len(list(folder.iterdir())) <= 2
    assert_same(run(folder, every=every, **options), run(None, **options))
    assert not list(folder.iterdir())


@pytest.mark.filterwarnings("ignore:The backup has the state of callbacks")
class TestGoesOn:
    def test_within_an_epoch(self, tmp_path):
        check(tmp_path, kill=9, every=2, epochs=3)

    @pytest.mark.slow
    @pytest.mark.parametrize("kill", [3, 6, 7, 12, 23])
    @pytest.mark.parametrize("every", ["epoch", 1, 5])
    def test_at_any_step(self, kill, every, tmp_path):
        if every in ("epoch", 5) and kill == 3:
            pytest.skip("no backup yet")
        check(tmp_path, kill, every=every)

    @pytest.mark.slow
    @pytest.mark.graph
    @pytest.mark.parametrize("weighting", ["uncertainty", "dwa", "famo", "graddrop", "modo", "cagrad"])
    def test_with_each_kind_of_state(self, weighting, tmp_path):
        check(tmp_path, kill=8, weighting=weighting)

    @pytest.mark.slow
    @pytest.mark.graph
    @pytest.mark.parametrize(
        "options",
        [
            {"steps_per_epoch": 4},
            {"steps_per_epoch": 9},
            {"steps_per_execution": 2},
            {"change": lambda dataset: dataset.take(5)},
            {"change": lambda dataset: dataset.map(lambda x, y, w: (x * 2, y, w))},
        ],
    )
    def test_with_each_kind_of_epoch(self, options, tmp_path):
        check(tmp_path, kill=10, every=2, **options)

    @pytest.mark.slow
    @pytest.mark.parametrize("kill", [8, 12, 14])
    def test_with_the_callbacks_of_this_package(self, kill, tmp_path):
        def more():
            logs = [mtl.callbacks.LogTaskWeights(every=2), mtl.callbacks.GradientConflict(every=2)]
            return [*logs, mtl.callbacks.Freeze("digit", start=1, stop=2), mtl.callbacks.Affinity(every=2)]

        with pytest.raises(Killed):
            run(tmp_path, kill, more=more)
        again, whole = run(tmp_path, more=more), run(None, more=more)
        assert_same(again, whole)
        assert again[1][4].history == whole[1][4].history
        assert again[1][5].steps == whole[1][5].steps
        np.testing.assert_array_equal(again[1][5].cosines, whole[1][5].cosines)
        assert again[1][7].steps == whole[1][7].steps
        np.testing.assert_array_equal(again[1][7].affinities, whole[1][7].affinities)

    @pytest.mark.slow
    def test_several_times(self, tmp_path):
        for kill in (2, 5, 6, 11, 17):
            with pytest.raises(Killed):
                run(tmp_path, kill)
        assert_same(run(tmp_path), run(None))


class TestErrors:
    def test_arguments(self, tmp_path):
        with pytest.raises(ValueError, match="`save_freq`"):
            Backup(tmp_path, save_freq="batch")
        with pytest.raises(ValueError, match="`save_freq`"):
            Backup(tmp_path, save_freq=0)
        with pytest.raises(ValueError, match="`folder`"):
            Backup("")

    def test_data_that_cannot_start_within_an_epoch(self, tmp_path):
        x, y, _ = arrays()
        with pytest.raises(ValueError, match='`save_freq` must be "epoch"'):
            model_of(None).fit(x, y, callbacks=[Backup(tmp_path, save_freq=3)], verbose=0)
        with pytest.raises(ValueError, match='`save_freq` must be "epoch"'):  # of unknown length
            run(tmp_path, change=lambda dataset: dataset.filter(lambda x, y, w: tf.reduce_sum(w["odd"]) >= 0))

    def test_two_of_them(self, tmp_path):
        with pytest.raises(ValueError, match="one backup at most"):
            model_of(None).fit(data(), callbacks=[Backup(tmp_path), Backup(tmp_path)], verbose=0)

    def test_torn_and_foreign_files(self, tmp_path):
        with pytest.raises(Killed):
            run(tmp_path, 3)
        *_, last = sorted(tmp_path.iterdir())
        whole = last.read_bytes()
        other = mtl.build_model(toy.SHAPE, toy.tasks()[:2], tower=mtl.towers.MLP((5,)))
        other.compile("adam", weighting="equal")
        with pytest.raises(ValueError, match="The backup is of another model: its variables differ"):
            other.fit(data(), callbacks=[Backup(tmp_path)], verbose=0)
        other = mtl.build_model(toy.SHAPE, toy.tasks()[1:3])
        other.compile("adam")
        with pytest.raises(ValueError, match="the tasks"):
            other.fit(data(), callbacks=[Backup(tmp_path)], verbose=0)
        for torn in (whole[: len(whole) // 2], b"", whole[:300] + b"0000" + whole[304:]):
            last.write_bytes(torn)
            with pytest.raises(ValueError, match=f"{last.name} cannot be read"):
                run(tmp_path)


PROGRAM = """
import sys
import keras
from tests.unit.callbacks import test_backup as t

class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("step", flush=True)
        import time; time.sleep(float(sys.argv[2]))

model, _, history = t.run(sys.argv[1], every="epoch", epochs=3, more=lambda: [Slow()])
print("sum", sum(float(abs(v.numpy()).sum()) for v in model.weights))
"""


@pytest.mark.slow
def test_sigterm_writes_a_backup_and_stops(tmp_path):
    def start(folder, pause):
        command = [sys.executable, "-c", PROGRAM, str(folder), str(pause)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=pathlib.Path(__file__).parents[3], env=dict(os.environ)
        )

    program = start(tmp_path / "stopped", 0.3)
    for _ in range(9):
        while "step" not in program.stdout.readline():
            time.sleep(0.01)
    program.send_signal(signal.SIGTERM)
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 143
    assert "sum" not in out
    assert len(list((tmp_path / "stopped").iterdir())) == 2  # after epoch 1, and within epoch 2
    again, _ = start(tmp_path / "stopped", 0).communicate(timeout=120)
    whole, _ = start(tmp_path / "whole", 0).communicate(timeout=120)
    assert 18 - 10 <= again.count("step") <= 18 - 9
    assert again.split("sum")[1] == whole.split("sum")[1]
