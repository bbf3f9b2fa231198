"""load and check: an export on NumPy, beside its model."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.export._conform import conform

pytestmark = pytest.mark.graph


@pytest.fixture(scope="module")
def model():
    a, word = keras.Input((2,), name="a"), keras.Input((), name="word", dtype="string")
    features = keras.layers.Embedding(3, 2)(keras.layers.StringLookup(vocabulary=["cat", "dog"])(word))
    tasks = [mtl.Task("kind", mtl.heads.Multiclass(3)), mtl.Task("size", mtl.heads.Regression())]
    outputs = {
        "kind": tasks[0].head(keras.layers.Concatenate()([a, features]), "kind"),
        "size": tasks[1].head(a, "size"),
    }
    return mtl.MultiTaskModel({"a": a, "word": word}, outputs, tasks=tasks)


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    mtl.export.saved_model(model, path, labels={"kind": ["x", "é", "z"]}, signatures=("tasks", "examples"))
    return path


@pytest.fixture(scope="module")
def served(path):
    return mtl.export.load(path)


X = {"a": np.array([[1.0, 2.0], [3.0, -4.0], [0.0, 0.5]]), "word": np.array(["dog", "cat", "bird"])}


def _expected(model):
    return model.predict({"a": X["a"], "word": tf.constant(X["word"])}, verbose=0)


def test_what_it_knows(served, path):
    assert served.path == path / "1"
    assert list(served.tasks) == ["kind", "size"]
    assert served.tasks["kind"]["labels"] == ["x", "é", "z"]
    assert set(served.signatures) == {"serving_default", "kind", "size", "labels", "serving_examples"}
    assert set(served.signatures["size"]["inputs"]) == {"a"}
    assert served.description["versions"]["mtl_keras"] == mtl.__version__


def test_predict(model, served):
    expected = _expected(model)
    for task, value in served.predict(X).items():
        np.testing.assert_allclose(value, expected[task], atol=1e-6)
        np.testing.assert_allclose(served.predict(X, task=task), expected[task], atol=1e-6)
    np.testing.assert_allclose(served.predict(X["a"], task="size"), expected["size"], atol=1e-6)
    labels = served.predict(X, signature="labels")["kind_label"]
    assert labels.tolist() == [["x", "é", "z"][i] for i in expected["kind"].argmax(axis=1)]
    assert served.predict({name: x[:0] for name, x in X.items()})["kind"].shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": X, "task": "kid"}, r"`task` must be one of 'kind', 'size'. Received: task='kid'"),
        ({"inputs": X, "signature": "kid"}, r"`signature` must be one of .*Received: signature='kid'"),
        ({"inputs": X["a"]}, r"`inputs` must be a dict by the names"),
        ({"inputs": {"word": X["word"]}}, r"`inputs` lacks \['a'\]. Expected the names .*Received: \['word'\]"),
        ({"inputs": np.zeros((2, 3)), "task": "size"}, r"`inputs\['a'\]` must have shape \(None, 2\).*\(2, 3\)"),
    ],
)
def test_bad_inputs(served, arguments, message):
    with pytest.raises(ValueError, match=message):
        served.predict(**arguments)


@pytest.fixture(scope="module")
def bytes_model():
    image, ids = keras.Input((2, 2), name="image", dtype="uint8"), keras.Input((1,), name="id", dtype="int32")
    flag = keras.Input((1,), name="flag", dtype="bool")
    cast = [keras.ops.cast(x, "float32") for x in (keras.layers.Flatten()(image), ids, flag)]
    task = mtl.Task("size", mtl.heads.Regression())
    features = keras.layers.Concatenate()(cast)
    return mtl.MultiTaskModel([image, ids, flag], {"size": task.head(features, "size")}, tasks=[task])


@pytest.fixture(scope="module")
def bytes_path(bytes_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("bytes")
    mtl.export.saved_model(bytes_model, path)
    return path


class TestDtypes:
    """What a client has is not cast where that changes it."""

    X = {
        "image": np.arange(8, dtype="uint8").reshape(2, 2, 2),
        "id": np.array([[1], [2]]),
        "flag": np.array([[True], [False]]),
    }

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("image", np.linspace(0, 1, 8).reshape(2, 2, 2)),
            ("image", np.ones((2, 2, 2), "float32")),
            ("image", np.zeros((2, 2, 2), "float16")),
            ("image", np.full((2, 2, 2), np.nan)),
            ("image", np.full((2, 2, 2), 256)),
            ("image", np.full((2, 2, 2), -1)),
            ("image", [[[0.5, 0.5], [0.5, 0.5]]] * 2),
            ("image", np.full((2, 2, 2), "a")),
            ("id", np.array([[1.0], [2.5]])),
            ("id", np.array([[2**31], [0]])),
            ("flag", np.array([[0.0], [1.0]])),
            ("flag", np.array([[0], [2]])),
        ],
    )
    def test_what_would_change_is_an_error(self, bytes_model, bytes_path, name, value):
        x = {**self.X, name: value}
        served = mtl.export.load(bytes_path)
        for signature in ("serving_default", "size"):
            with pytest.raises(ValueError, match=rf"`inputs\['{name}'\]` must hold .*Received: "):
                served.predict(x, signature=signature)
        with pytest.raises(ValueError, match=rf"`x\['{name}'\]` must hold .*Received: "):
            mtl.export.check(bytes_model, bytes_path, x)
        if name == "image":
            with pytest.raises(ValueError, match=rf"`warmup\['{name}'\]` must hold .*Received: "):
                mtl.export.saved_model(bytes_model, bytes_path, warmup=x)

    def test_pixels_from_0_to_1_are_told_what_to_do(self, bytes_path):
        x = {**self.X, "image": np.linspace(0, 1, 8).reshape(2, 2, 2)}
        with pytest.raises(
            ValueError, match=r"hold uint8. Received: float64 from 0 to 1. Bring it to the scale .*'uint8'"
        ):
            mtl.export.load(bytes_path).predict(x)

    @pytest.mark.parametrize(
        "change",
        [
            {},
            {"image": X["image"].astype("int64")},
            {"image": X["image"].tolist()},
            {"image": tf.constant(X["image"])},
            {"id": np.array([[1], [2]], object)},
            {"flag": np.array([[1], [0]])},
        ],
    )
    def test_what_fits_is_taken(self, bytes_model, bytes_path, change):
        expected = bytes_model.predict(self.X, verbose=0)["size"]
        np.testing.assert_allclose(
            mtl.export.load(bytes_path).predict({**self.X, **change})["size"], expected, rtol=1e-6
        )

    def test_no_rows(self, bytes_path):
        x = {"image": np.zeros((0, 2, 2)), "id": np.zeros((0, 1)), "flag": np.zeros((0, 1))}
        assert mtl.export.load(bytes_path).predict(x)["size"].shape == (0, 1)

    @pytest.mark.parametrize("word", [np.array([1, 2, 3]), np.array(["a", None, "b"], object), [1.5, "a", "b"][:1] * 3])
    def test_strings(self, served, word):
        with pytest.raises(ValueError, match=r"`inputs\['word'\]` must be strings"):
            served.predict({**X, "word": word})

    @pytest.mark.parametrize("given", [[b"\x89PNG\x00\x00"], np.array([b"\x89PNG\x00\x00"], object)])
    def test_bytes_that_end_in_zeros_stay(self, given):
        assert conform("x", given, tf.TensorSpec([None], tf.string)).tolist() == [b"\x89PNG\x00\x00"]

    def test_rows_of_several_lengths(self, served):
        with pytest.raises(ValueError, match=r"`inputs\['a'\]` must be an array of one shape"):
            served.predict({"a": [[1.0], [1.0, 2.0]]}, task="size")


def test_where_nothing_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`path` must be an export, or a folder of its versions. Received:"):
        mtl.export.load(tmp_path)


def test_a_version_that_vanishes_while_it_is_read(monkeypatch, path, tmp_path):
    """As with `keep=1` in another process: what comes is the next version, with what its tasks.json says."""
    shutil.copytree(path / "1", tmp_path / "1")
    load = tf.saved_model.load

    def vanish(folder, *arguments, **keywords):
        loaded = load(folder, *arguments, **keywords)
        if folder == str(tmp_path / "1"):
            shutil.copytree(path / "1", tmp_path / "2")
            shutil.rmtree(folder)  # before tasks.json is read
        return loaded

    monkeypatch.setattr(tf.saved_model, "load", vanish)
    served = mtl.export.load(tmp_path)
    assert served.path == tmp_path / "2"
    assert served.tasks["kind"]["labels"] == ["x", "é", "z"]


def test_a_broken_description(path, tmp_path):
    shutil.copytree(path / "1", tmp_path / "1")
    (tmp_path / "1" / "assets.extra" / "tasks.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tasks.json is broken: 'tasks' must be an object. Export the model again"):
        mtl.export.load(tmp_path)


def test_a_saved_model_of_another_hand(tmp_path):
    model = keras.Sequential([keras.Input((2,), name="x"), keras.layers.Dense(3)])
    model.export(tmp_path / "plain", verbose=False)
    served = mtl.export.load(tmp_path / "plain")
    assert {task: known["shape"] for task, known in served.tasks.items()} == {"output_0": [None, 3]}
    assert served.predict(np.ones((4, 2)))["output_0"].shape == (4, 3)


def test_check_finds_no_difference(model, path):
    differences = mtl.export.check(model, path, X)
    assert {name: set(by_task) for name, by_task in differences.items()} == {
        "serving_default": {"kind", "size"},
        "kind": {"kind"},
        "size": {"size"},
        "labels": {"size"},
        "serving_examples": {"kind", "size"},
    }
    assert all(difference < 1e-6 for by_task in differences.values() for difference in by_task.values())


def test_check_finds_a_difference(model, path):
    """A bias that is 0.25 larger makes the output 0.25 larger."""
    bias = model.get_layer("size_linear").bias
    bias.assign_add([0.25])
    differences = mtl.export.check(model, path, X)
    bias.assign_add([-0.25])
    assert differences["serving_default"]["kind"] < 1e-6
    for signature in ("serving_default", "size", "serving_examples"):
        assert differences[signature]["size"] == pytest.approx(0.25)


def test_check_with_another_model(path):
    model = mtl.build_model((2,), [mtl.Task("size", mtl.heads.Regression())], tower="mlp")
    with pytest.raises(
        ValueError, match=r"`model` must have the tasks of the export. Received: one without \['kind'\]"
    ):
        mtl.export.check(model, path, X["a"])
