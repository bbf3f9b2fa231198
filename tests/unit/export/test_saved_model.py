"""saved_model."""

import json
import logging
import resource
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import toy

pytestmark = pytest.mark.graph


@pytest.fixture(scope="module")
def model():
    model = toy.model(run_eagerly=True)
    model.fit(*toy.arrays(rows=4), verbose=0)  # so that the optimizer and the metrics have variables
    return model


@pytest.fixture(scope="module")
def small():
    return mtl.build_model((3,), [mtl.Task("odd", mtl.heads.Binary())], tower=keras.layers.Dense(2))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return mtl.export.saved_model(model, tmp_path_factory.mktemp("models") / "toy")


def _served(folder):
    """Returns what a server computes: a function of the inputs by name."""
    loaded = tf.saved_model.load(folder)

    def serve(**inputs):
        outputs = loaded.signatures["serving_default"](**{name: tf.constant(x) for name, x in inputs.items()})
        return {task: value.numpy() for task, value in outputs.items()}

    return serve


@pytest.mark.parametrize("rows", [1, 7])
def test_equals_predict_for_any_batch_size(model, folder, rows):
    x, _ = toy.arrays(rows=rows, seed=1)
    served, expected = _served(folder)(inputs=x), model.predict(x, verbose=0)
    assert set(served) == set(expected) == {"digit", "odd", "marks", "ink"}
    for task, value in expected.items():
        np.testing.assert_allclose(served[task], value, atol=1e-6)


@pytest.mark.slow
def test_is_read_back_in_a_fresh_process_without_this_package(model, folder, tmp_path):
    x, _ = toy.arrays(rows=7, seed=1)
    np.save(tmp_path / "x.npy", x)
    program = f"""
        import json, sys
        import numpy as np
        import tensorflow as tf

        model = tf.saved_model.load({str(folder)!r})
        outputs = model.signatures["serving_default"](inputs=tf.constant(np.load("x.npy")))
        assert "mtl_keras" not in sys.modules
        print(json.dumps({{task: value.numpy().tolist() for task, value in outputs.items()}}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    served = json.loads(done.stdout.splitlines()[-1])
    expected = model.predict(x, verbose=0)
    assert set(served) == set(expected)
    for task, value in expected.items():
        np.testing.assert_allclose(np.asarray(served[task]), value, atol=1e-6)


def test_holds_the_weights_and_nothing_of_training(model, folder):
    shapes = sorted(tuple(v.shape) for v in tf.saved_model.load(folder).variables)
    assert shapes == sorted(tuple(v.shape) for v in model.weights)
    for name, _ in tf.train.list_variables(str(folder / "variables" / "variables")):
        assert not any(word in name.lower() for word in ("optimizer", "adam", "iteration", "metric", "velocity")), name
    assert model.optimizer.variables
    assert "mtl_keras" not in (folder / "saved_model.pb").read_bytes().decode("latin-1")


def test_the_model_goes_on_as_it_was(model, tmp_path):
    before = model.get_weights()
    mtl.export.saved_model(model, tmp_path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.fit(*toy.arrays(rows=4), verbose=0)
    model.set_weights(before)


def test_nothing_names_a_folder_that_is_gone(small, tmp_path, caplog):
    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO, logger="tensorflow"):  # the level of a notebook
            mtl.export.saved_model(small, tmp_path / "small")
    finally:
        logger.removeHandler(caplog.handler)
    assert "unfinished" not in caplog.text


def test_several_inputs_by_name(tmp_path):
    inputs = {"b": (3,), "a": keras.Input((2,), name="a")}
    tasks = [mtl.Task("t", mtl.heads.Regression()), mtl.Task("u", mtl.heads.Binary())]
    model = mtl.build_model(inputs, tasks, tower=mtl.towers.MLP((4,)))
    folder = mtl.export.saved_model(model, tmp_path)
    _, arguments = tf.saved_model.load(folder).signatures["serving_default"].structured_input_signature
    assert {name: tuple(spec.shape) for name, spec in arguments.items()} == {"a": (None, 2), "b": (None, 3)}
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=(4, 2)).astype("float32"), "b": rng.normal(size=(4, 3)).astype("float32")}
    served, expected = _served(folder)(**x), model.predict(x, verbose=0)
    for task in ("t", "u"):
        np.testing.assert_allclose(served[task], expected[task], atol=1e-6)


def test_raw_pixels(tmp_path):
    pixels = keras.Input((4, 4, 1), dtype="uint8", name="pixels")
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3))]
    model = mtl.build_model(pixels, tasks, tower="mlp", preprocess=keras.layers.Rescaling(1 / 255))
    folder = mtl.export.saved_model(model, tmp_path)
    x = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 1), dtype="uint8")
    served = _served(folder)(pixels=x)["digit"]
    np.testing.assert_allclose(served, model.predict(x, verbose=0)["digit"], atol=1e-6)
    scaled = mtl.build_model((4, 4, 1), tasks, tower="mlp")
    scaled.set_weights(model.get_weights())
    np.testing.assert_allclose(served, scaled.predict(x.astype("float32") / 255, verbose=0)["digit"], atol=1e-6)


def test_a_plain_keras_model_with_named_outputs(tmp_path):
    x = keras.Input((2,), name="x")
    model = keras.Model(x, {"one": keras.layers.Dense(1, name="layer")(x)})
    folder = mtl.export.saved_model(model, tmp_path)
    np.testing.assert_allclose(
        _served(folder)(x=np.ones((1, 2), "float32"))["one"], model.predict(np.ones((1, 2)), verbose=0)["one"]
    )


def test_a_loaded_model_exports_the_same(model, folder, tmp_path):
    model.save(tmp_path / "model.keras")
    again = mtl.export.saved_model(keras.models.load_model(tmp_path / "model.keras"), tmp_path / "toy")
    x, _ = toy.arrays(rows=3)
    for task, value in _served(folder)(inputs=x).items():
        np.testing.assert_allclose(_served(again)(inputs=x)[task], value, atol=1e-6)


class TestVersions:
    def test_the_next_free_one(self, small, tmp_path):
        assert mtl.export.saved_model(small, str(tmp_path)) == tmp_path / "1"
        assert mtl.export.saved_model(small, tmp_path, version=20240131, keep=1) == tmp_path / "20240131"
        assert [f.name for f in tmp_path.iterdir()] == ["20240131"]

    @pytest.mark.parametrize("arguments", [{"version": 0}, {"version": True}, {"keep": 0}, {"keep": "all"}])
    def test_a_bad_one(self, small, tmp_path, arguments):
        with pytest.raises(
            ValueError, match=r"`(version|keep)` must be an integer of at least 1. Received: (version|keep)="
        ):
            mtl.export.saved_model(small, tmp_path / "models", **arguments)
        assert not (tmp_path / "models").exists()

    def test_one_that_is_too_large(self, small, tmp_path):
        with pytest.raises(ValueError, match=r"`version` must be an integer from 1 to 9223372036854775807. Received"):
            mtl.export.saved_model(small, tmp_path / "models", version=2**63)
        assert not (tmp_path / "models").exists()

    def test_one_that_exists(self, small, tmp_path):
        (tmp_path / "1").mkdir()
        with pytest.raises(FileExistsError, match=r"Version 1 exists: .*1\. Leave `version` out for the next free one"):
            mtl.export.saved_model(small, tmp_path, version=1)
        assert list(tmp_path.rglob("*")) == [tmp_path / "1"]

    def test_a_path_that_is_a_file(self, small, tmp_path):
        (tmp_path / "file").write_text("mine")
        with pytest.raises(FileExistsError, match=r"`path` must be a folder. Received a file: .*file"):
            mtl.export.saved_model(small, tmp_path / "file")
        assert (tmp_path / "file").read_text() == "mine"


class TestMetrics:
    @pytest.mark.parametrize("value", [float("nan"), np.nan, np.float32("inf"), -np.inf, "0.5", None, True, [0.5]])
    def test_what_json_has_not(self, small, tmp_path, value):
        with pytest.raises(
            ValueError, match=r"`metrics\['m'\]` must be a finite number. Received: metrics\['m'\]=.*Leave"
        ):
            mtl.export.saved_model(small, tmp_path / "models", metrics={"n": 1.0, "m": value})
        assert not (tmp_path / "models").exists()

    @pytest.mark.parametrize("metrics", [["m"], {1: 0.5}, 0.5])
    def test_no_dict_by_name(self, small, tmp_path, metrics):
        with pytest.raises(ValueError, match=r"`metrics` must be a dict {name: number}. Received: metrics="):
            mtl.export.saved_model(small, tmp_path / "models", metrics=metrics)

    def test_scalars_of_numpy_and_tensorflow(self, small, tmp_path):
        metrics = {"a": np.float32(0.5), "b": np.array(0.25), "c": tf.constant(2), "d": 1}
        folder = mtl.export.saved_model(small, tmp_path, metrics=metrics)
        written = json.loads((folder / "assets.extra" / "tasks.json").read_text())["metrics"]
        assert written == {"a": 0.5, "b": 0.25, "c": 2.0, "d": 1.0}


@pytest.mark.slow
def test_a_kill_leaves_no_half_version(tmp_path):
    """A process that does nothing but export is killed as soon as it has begun to write its third version."""
    program = """
        import sys
        import keras
        import mtl_keras as mtl

        tasks = [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())]
        model = mtl.build_model((64,), tasks, tower=keras.layers.Dense(4096))
        while True:
            mtl.export.saved_model(model, sys.argv[1])
    """
    models = tmp_path / "models"
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(models)])
    try:
        deadline = time.monotonic() + 300
        while not (models / "2").exists() or not list(models.glob(".unfinished-*")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
    assert list(models.glob(".unfinished-*"))
    for version in models.glob("[0-9]*"):
        served = _served(version)(inputs=np.ones((2, 64), "float32"))
        assert {task: y.shape for task, y in served.items()} == {"odd": (2, 1), "ink": (2, 1)}
    tasks = [mtl.Task("odd", mtl.heads.Binary())]
    last = max(int(folder.name) for folder in models.glob("[0-9]*"))
    again = mtl.export.saved_model(mtl.build_model((3,), tasks, tower=keras.layers.Dense(2)), models)
    assert again == models / str(last + 1)
    assert not list(models.glob(".unfinished-*"))


def test_a_full_disk_leaves_no_half_version(small, tmp_path):
    """The system refuses to write files over 4 KiB, as it refuses any on a full disk."""
    mtl.export.saved_model(small, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    large = mtl.build_model((64,), [mtl.Task("odd", mtl.heads.Binary())], tower=keras.layers.Dense(256))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises((OSError, tf.errors.OpError)):
            mtl.export.saved_model(large, tmp_path, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def _one_output():
    x = keras.Input((2,))
    return keras.Model(x, keras.layers.Dense(1)(x))


class Subclassed(keras.Model):
    def call(self, x):
        return {"a": x}


@pytest.mark.parametrize(
    "make",
    [_one_output, lambda: keras.Sequential([keras.layers.Dense(1)]), Subclassed, lambda: keras.layers.Dense(1), dict],
    ids=["one_output", "unbuilt", "subclassed", "layer", "dict"],
)
def test_a_model_without_named_outputs(make, tmp_path):
    with pytest.raises(ValueError, match=r"`model` must be a functional model with outputs by name. Received: model="):
        mtl.export.saved_model(make(), tmp_path / "models")
    assert not (tmp_path / "models").exists()
