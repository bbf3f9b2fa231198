"""What a file of a model holds, and how it is written."""

import os
import pathlib
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest

import mtl_keras as mtl

X = np.linspace(-1.0, 1.0, 12, dtype="float32").reshape(4, 3)
Y = {"a": X[:, 0], "b": np.array([0, 1, 1, 0])}
L = keras.layers


def _model(tower=None, **arguments):
    """Two tasks on three numbers, with the least to run."""
    tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
    model = mtl.build_model((3,), tasks, tower=tower or L.Dense(3, activation="tanh"))
    model.compile(**{"optimizer": "sgd", "metrics": [], **arguments})
    return model


def _fit(model, **arguments):
    model.fit(X, Y, shuffle=False, verbose=0, **arguments)


def _assert_equal(model, other):
    for one, two in zip(model.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)
    for one, two in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)


class TestAFrozenModel:
    """Its weighting rests, and is in the file."""

    @pytest.mark.parametrize(
        ("weighting", "parts"),
        [
            ("moco", ["shared"]),
            ("uncertainty", ["shared"]),
            ("gradnorm", ["shared", "b"]),
            ("gradnorm", ["b"]),
        ],
    )
    def test_goes_on_as_it_would_have(self, weighting, parts, tmp_path):
        model = _model(weighting=weighting, optimizer="adam")
        _fit(model)
        model.freeze(*parts)
        _fit(model)
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras")
        for one in (model, loaded):
            one.unfreeze()
            _fit(one)
        _assert_equal(model, loaded)

    def test_frozen_before_it_is_compiled(self, tmp_path):
        model = _model()
        model.freeze("shared")
        model.compile("sgd", weighting="moco", metrics=[])
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras")
        for one in (model, loaded):
            one.unfreeze()
            _fit(one)
        _assert_equal(model, loaded)

    def test_weights_of_it_in_a_model_that_is_not(self, tmp_path):
        model, other = (_model(weighting="gradnorm", optimizer="adam") for _ in range(2))
        _fit(model)
        model.freeze("shared")
        model.save_weights(tmp_path / "m.weights.h5")
        _fit(other)
        other.load_weights(tmp_path / "m.weights.h5")
        model.unfreeze()
        for one in (model, other):
            _fit(one)
        _assert_equal(model, other)


class _Noisy(keras.layers.Layer):
    """Draws from two generators, one of which is in a list."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.one = keras.random.SeedGenerator(1)
        self.others = [keras.random.SeedGenerator()]

    def call(self, x, training=False):
        if not training:
            return x
        return x + keras.random.normal(keras.ops.shape(x), seed=self.one) * keras.random.uniform(
            (), seed=self.others[0]
        )


keras.saving.register_keras_serializable("tests")(_Noisy)
TOWERS = {
    "mlp": lambda: mtl.towers.MLP((4,), dropout=0.5),
    "two": lambda: keras.Sequential([L.Dropout(0.3), L.Dense(4), L.GaussianNoise(0.5)]),
    "nested": lambda: keras.Sequential([L.Dense(4), keras.Sequential([L.Dropout(0.5)])]),
    "own": lambda: keras.Sequential([L.Dense(4), _Noisy()]),
    "recurrent": lambda: keras.Sequential([L.Reshape((3, 1)), L.LSTM(2, dropout=0.5, recurrent_dropout=0.2)]),
}


class TestSeeds:
    """A run that is taken up draws what it would have drawn."""

    @pytest.mark.parametrize("tower", TOWERS)
    def test_in_a_keras_file(self, tower, tmp_path):
        model = _model(TOWERS[tower]())
        _fit(model)
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras")
        _assert_equal(model, loaded)  # `variables` have the seeds
        for one in (model, loaded):
            _fit(one)
        _assert_equal(model, loaded)

    @pytest.mark.parametrize("weighting", ["pcgrad", "famo"])  # seeds of its own; a second forward pass
    def test_in_a_file_of_weights(self, weighting, tmp_path):
        model, other = (_model(TOWERS["nested"](), weighting=weighting) for _ in range(2))
        for one in (model, other):
            _fit(one)
        model.save_weights(tmp_path / "m.weights.h5")
        other.load_weights(tmp_path / "m.weights.h5")
        for one in (model, other):
            _fit(one)
        _assert_equal(model, other)

    def test_in_shards(self, tmp_path):
        model, other = _model(TOWERS["mlp"]()), _model(TOWERS["mlp"]())
        _fit(model)
        model.save_weights(tmp_path / "m.weights.json", max_shard_size=8e-8)
        assert len(list(tmp_path.iterdir())) > 2
        other.load_weights(tmp_path / "m.weights.json")
        for one, two in zip(model.variables, other.variables, strict=True):
            np.testing.assert_array_equal(one, two)

    def test_in_a_backup(self, tmp_path):
        whole, resumed = _model(TOWERS["mlp"]()), _model(TOWERS["mlp"]())
        resumed.set_weights(whole.get_weights())
        for one, two in zip(whole.variables, resumed.variables, strict=True):
            two.assign(one)
        _fit(whole, epochs=3)

        class _Die(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if self.model.num_epochs == 2:
                    raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            _fit(resumed, epochs=3, callbacks=[keras.callbacks.BackupAndRestore(tmp_path), _Die()])
        again = _model(TOWERS["mlp"]())
        _fit(again, epochs=3, callbacks=[keras.callbacks.BackupAndRestore(tmp_path)])
        _assert_equal(whole, again)

    def test_of_a_model_with_other_layers_stay(self, tmp_path):
        model = _model(TOWERS["mlp"]())
        model.save_weights(tmp_path / "m.weights.h5")
        _model(mtl.towers.MLP((4,))).load_weights(tmp_path / "m.weights.h5")  # no dropout


class _Failure(Exception):
    pass


class _Fails(keras.layers.Layer):
    """Cannot be saved to the end: what is written so far is half a file."""

    def call(self, x):
        return x

    def save_own_variables(self, store):
        raise _Failure


FILES = {
    "keras": lambda model, path: model.save(path),
    "checkpoint": lambda model, path: _save_by_callback(model, path),
    "weights": lambda model, path: model.save_weights(path),
    "shards": lambda model, path: model.save_weights(path, max_shard_size=1.0),
}
NAMES = {"weights": "m.weights.h5", "shards": "m.weights.json"}


def _save_by_callback(model, path):
    _fit(model, callbacks=[keras.callbacks.ModelCheckpoint(path)])


@pytest.mark.parametrize("kind", FILES)
class TestAFileAppearsWhole:
    def test_a_failure_leaves_the_old_one(self, kind, tmp_path):
        path = tmp_path / NAMES.get(kind, "m.keras")
        FILES[kind](_model(), path)
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        model = _model(keras.Sequential([L.Dense(4), _Fails()]))
        with pytest.raises(_Failure):
            FILES[kind](model, path)
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before

    def test_it_is_never_open_under_its_name(self, kind, tmp_path, monkeypatch):
        """At the moment when it gets its name, the old one is as it was, and the new one is whole."""
        path, replace = tmp_path / NAMES.get(kind, "m.keras"), os.replace
        path.write_text("old")
        seen = []

        def watch(source, target):
            seen.append((os.path.basename(target), path.read_text(), os.path.getsize(source) > 100))
            replace(source, target)

        monkeypatch.setattr(os, "replace", watch)
        FILES[kind](_model(), path)
        assert seen[-1] == (path.name, "old", True)
        assert not list(tmp_path.glob(".*"))

    def test_what_a_killed_writer_left_is_removed(self, kind, tmp_path):
        left = tmp_path / ".unfinished-1"
        left.mkdir()
        (left / "lock").touch()
        FILES[kind](_model(), tmp_path / NAMES.get(kind, "m.keras"))
        assert not left.exists()


def test_a_link_stays_one_and_a_file_keeps_its_mode(tmp_path):
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "m.keras", tmp_path / "m.keras"
    file.touch(mode=0o640)
    file.chmod(0o640)
    link.symlink_to(file)
    _model().save(link)
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    keras.models.load_model(link)


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "m.txt", "m"])
@pytest.mark.parametrize("as_path", [str, pathlib.Path])
def test_another_ending(name, as_path, tmp_path):
    with pytest.raises(
        ValueError, match=r"`filepath` must end in `.keras`.*Received: filepath='.*m.*model.save\('.*m.ker"
    ):
        _model().save(as_path(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_in_hdf5(tmp_path):
    with pytest.raises(ValueError, match=r"`filepath` must end in `.keras`"):
        _save_by_callback(_model(), str(tmp_path / "m.h5"))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere/m.keras"):
        _model().save(tmp_path / "nowhere" / "m.keras")


def test_a_plain_model_reads_it(tmp_path):
    """Without the class: what is saved beside the layers is passed over."""
    model = _model(TOWERS["mlp"]())
    model.save_weights(tmp_path / "m.weights.h5")
    plain = keras.models.clone_model(keras.Model(model.input, model.output))
    plain.load_weights(tmp_path / "m.weights.h5")
    for one, two in zip(model.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_a_kill_costs_no_file(name, tmp_path):
    """A process that does nothing but save is killed while it writes, five times; the file is whole each time."""
    program = f"""
        import sys, keras, mtl_keras as mtl
        tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
        model = mtl.build_model((64,), tasks, tower=keras.layers.Dense(8192))
        while True:
            {"model.save" if name.endswith("keras") else "model.save_weights"}(sys.argv[1])
    """
    path = tmp_path / name
    tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
    model = mtl.build_model((64,), tasks, tower=L.Dense(8192))
    for wait in (0.0, 0.01, 0.02, 0.05, 0.1):
        with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(path)]) as process:
            deadline = time.monotonic() + 300
            while not path.exists() or not list(tmp_path.glob(".unfinished-*/new")):
                assert process.poll() is None
                assert time.monotonic() < deadline
            time.sleep(wait)
            process.kill()
        model.load_weights(path)
    model.save(path) if name.endswith("keras") else model.save_weights(path)
    assert [file.name for file in tmp_path.iterdir()] == [name]
