"""The signatures of `saved_model`: which there are, what they take, give and compute."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl

pytestmark = pytest.mark.graph

SHAPE = (6, 5, 3)
LABELS = {"digit": ["zero", "one", "two", "three"], "odd": ["even", "odd"], "marks": ["a", "b", "c"]}


@pytest.fixture(scope="module")
def model():
    tasks = [
        mtl.Task("digit", mtl.heads.Multiclass(4)),
        mtl.Task("odd", mtl.heads.Binary(hidden=(3,))),
        mtl.Task("marks", mtl.heads.Multilabel(3)),
        mtl.Task("ink", mtl.heads.Regression()),
    ]
    model = mtl.build_model(
        keras.Input(SHAPE, name="image"),
        tasks,
        tower=mtl.towers.MLP((8,), dropout=0.5),
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    model.compile("adam", weighting="pcgrad")
    model.fit(_pixels(4).astype("float32"), {t.name: np.zeros((4, *s)) for t, s in zip(tasks, _SHAPES, strict=True)})
    return model


_SHAPES = [(), (), (3,), ()]


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return mtl.export.saved_model(
        model,
        tmp_path_factory.mktemp("models") / "toy",
        signatures=("tasks", "bytes", "examples"),
        labels=LABELS,
        top_k=2,
        metrics={"digit_accuracy": np.float32(0.5)},
    )


@pytest.fixture(scope="module")
def loaded(folder):
    return tf.saved_model.load(folder)


def _pixels(rows, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, *SHAPE), dtype="uint8")


def _answer(loaded, signature, **inputs):
    outputs = loaded.signatures[signature](**{name: tf.constant(x) for name, x in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


def _operations(function):
    """Returns how many operations of each type a signature has, with those of the functions that it calls."""
    graph = function.graph.as_graph_def()
    library = {inner.signature.name: inner.node_def for inner in graph.library.function}
    counts, waiting = {}, list(graph.node)
    while waiting:
        node = waiting.pop()
        counts[node.op] = counts.get(node.op, 0) + 1
        for attribute in node.attr.values():
            if attribute.func.name:
                waiting.extend(library.get(attribute.func.name, ()))
    return counts


def test_which_there_are(loaded):
    names = {"serving_default", "digit", "odd", "marks", "ink", "labels", "serving_bytes", "serving_examples"}
    assert set(loaded.signatures) == names
    for name in names - {"serving_bytes", "serving_examples"}:
        _, inputs = loaded.signatures[name].structured_input_signature
        assert {key: (tuple(spec.shape), spec.dtype) for key, spec in inputs.items()} == {
            "image": ((None, *SHAPE), tf.float32)
        }


@pytest.mark.parametrize("rows", [1, 7])
def test_a_task_alone(model, loaded, rows):
    x = _pixels(rows).astype("float32")
    expected = model.predict(x, verbose=0)
    for task in model.task_names:
        served = _answer(loaded, task, image=x)
        assert {name for name in served if name in expected} == {task}
        np.testing.assert_allclose(served[task], expected[task], atol=1e-6)


def test_a_task_alone_computes_nothing_of_the_others(loaded):
    """The tower has one matrix product, each head one, and that of `odd` one more; `odd` and `marks` a sigmoid."""
    expected = {
        "serving_default": (6, 1, 2),
        "digit": (2, 1, 0),
        "odd": (3, 0, 1),
        "marks": (2, 0, 1),
        "ink": (2, 0, 0),
    }
    for name, numbers in expected.items():
        counts = _operations(loaded.signatures[name])
        assert (counts.get("MatMul", 0), counts.get("Softmax", 0), counts.get("Sigmoid", 0)) == numbers, name
        assert not [op for op in counts if "Random" in op]


def test_nothing_of_training_is_inside(model, loaded, folder):
    held = {path: shape for path, shape in tf.train.list_variables(str(folder / "variables" / "variables")) if shape}
    weights = model.trainable_weights
    assert len(weights) == 12
    assert sorted(map(tuple, held.values())) == sorted(tuple(v.shape) for v in weights)
    assert sorted(tuple(v.shape) for v in loaded.variables) == sorted(tuple(v.shape) for v in weights)
    assert [v for v in model.variables if "seed" in v.path]
    assert not list((folder / "assets").glob("*"))


def test_labels_and_scores(model, loaded):
    x = _pixels(5).astype("float32")
    expected = model.predict(x, verbose=0)
    served = _answer(loaded, "labels", image=x)
    order = np.argsort(-expected["digit"], axis=1)[:, :2]
    np.testing.assert_array_equal(served["digit_top_label"], np.array(LABELS["digit"], "S")[order])
    np.testing.assert_array_equal(served["digit_label"], np.array(LABELS["digit"], "S")[order[:, 0]])
    np.testing.assert_allclose(served["digit_score"], expected["digit"].max(axis=1), atol=1e-6)
    yes = expected["odd"][:, 0]
    np.testing.assert_array_equal(served["odd_label"], np.where(yes > 0.5, b"odd", b"even"))
    np.testing.assert_allclose(served["odd_score"], np.maximum(yes, 1 - yes), atol=1e-6)
    order = np.argsort(-expected["marks"], axis=1)[:, :2]
    np.testing.assert_array_equal(served["marks_label"], np.array(LABELS["marks"], "S")[order])
    np.testing.assert_allclose(served["ink"], expected["ink"], atol=1e-6)
    names = {"digit_label", "digit_score", "digit_top_label", "digit_top_score", "odd_label", "odd_score"}
    assert set(served) == names | {"marks_label", "marks_score", "ink"}
    for task in ("digit", "odd", "marks", "ink"):
        alone = _answer(loaded, task, image=x)
        assert set(alone) == {task} | {name for name in served if name.startswith(f"{task}_")}
        for name in set(alone) - {task}:
            np.testing.assert_array_equal(alone[name], served[name])


@pytest.mark.parametrize("encode", [tf.io.encode_png, lambda image: tf.io.encode_jpeg(image, quality=100)])
def test_encoded_images(model, loaded, encode):
    encoded = [encode(image).numpy() for image in _pixels(3)]
    pixels = np.stack([tf.io.decode_image(image).numpy() for image in encoded]).astype("float32")
    expected, served = model.predict(pixels, verbose=0), _answer(loaded, "serving_bytes", image_bytes=encoded)
    for task, value in expected.items():
        np.testing.assert_allclose(served[task], value, atol=1e-6)


def test_encoded_images_of_other_sizes_and_grey(model, loaded):
    """A picture of one colour has that colour at every size."""
    sizes = [(1, 1, 3), (13, 40, 3), (6, 5, 1), (60, 50, 3)]
    encoded = [tf.io.encode_png(np.full(size, 100, "uint8")).numpy() for size in sizes]
    served = _answer(loaded, "serving_bytes", image_bytes=encoded)
    expected = model.predict(np.full((4, *SHAPE), 100, "float32"), verbose=0)
    for task, value in expected.items():
        np.testing.assert_allclose(served[task], value, atol=1e-6)


def test_no_encoded_images(loaded):
    served = _answer(loaded, "serving_bytes", image_bytes=np.array([], "S1"))
    assert {task: value.shape[0] for task, value in served.items()} == dict.fromkeys(served, 0)


@pytest.mark.parametrize("encoded", [b"", b"no image", tf.io.encode_png(np.zeros((9, 9, 3), "uint8")).numpy()[:40]])
def test_what_is_no_image(loaded, encoded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        _answer(loaded, "serving_bytes", image_bytes=[encoded])


def test_examples(model, loaded):
    x = _pixels(3).astype("float32")
    examples = []
    for image in x:
        feature = tf.train.Feature(float_list=tf.train.FloatList(value=image.ravel()))
        examples.append(tf.train.Example(features=tf.train.Features(feature={"image": feature})).SerializeToString())
    served = _answer(loaded, "serving_examples", examples=examples)
    for task, value in model.predict(x, verbose=0).items():
        np.testing.assert_allclose(served[task], value, atol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError):
        _answer(loaded, "serving_examples", examples=[b"no example"])


def test_the_description(folder, loaded):
    description = json.loads((folder / "assets.extra" / "tasks.json").read_text())
    assert list(description["tasks"]) == ["digit", "odd", "marks", "ink"]
    assert description["tasks"]["digit"] == {
        "shape": [None, 4],
        "head": "Multiclass",
        "config": {"num_classes": 4, "hidden": [], "activation": "relu"},
        "labels": LABELS["digit"],
    }
    assert "labels" not in description["tasks"]["ink"]
    assert description["metrics"] == {"digit_accuracy": 0.5}
    assert description["versions"] == {
        "mtl_keras": mtl.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }


@pytest.fixture(scope="module")
def towers():
    """A model of which each task has a tower and an input of its own, one of strings."""
    word, size = keras.Input((), name="word", dtype="string"), keras.Input((2,), name="size")
    x = keras.layers.StringLookup(vocabulary=["cat", "dog"])(word)
    x = keras.layers.Flatten()(keras.layers.Embedding(3, 2)(x))
    kind = keras.layers.Dense(3, activation="softmax", name="kind_dense")(x)
    weight = keras.layers.Dense(1, name="weight_dense")(keras.layers.Dense(7)(size))
    return mtl.MultiTaskModel({"word": word, "size": size}, {"kind": kind, "weight": weight})


WORDS, SIZES = np.array([b"dog", b"bird", b"cat"]), np.arange(6, dtype="float32").reshape(3, 2)


def _predict(towers):
    return towers.predict({"word": tf.constant(WORDS), "size": SIZES}, verbose=0)


def test_a_task_takes_only_the_inputs_that_it_needs(towers, tmp_path):
    loaded = tf.saved_model.load(mtl.export.saved_model(towers, tmp_path, signatures=("tasks", "examples")))
    expected = _predict(towers)
    np.testing.assert_allclose(_answer(loaded, "kind", word=WORDS)["kind"], expected["kind"], atol=1e-6)
    np.testing.assert_allclose(_answer(loaded, "weight", size=SIZES)["weight"], expected["weight"], atol=1e-6)
    both = _answer(loaded, "serving_default", word=WORDS, size=SIZES)
    np.testing.assert_allclose(both["kind"], expected["kind"], atol=1e-6)
    examples = []
    for word, size in zip(WORDS, SIZES, strict=True):
        feature = {
            "word": tf.train.Feature(bytes_list=tf.train.BytesList(value=[word])),
            "size": tf.train.Feature(float_list=tf.train.FloatList(value=size)),
        }
        examples.append(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    both = _answer(loaded, "serving_examples", examples=examples)
    np.testing.assert_allclose(both["kind"], expected["kind"], atol=1e-6)
    np.testing.assert_allclose(both["weight"], expected["weight"], atol=1e-6)


def test_some_of_the_tasks_take_along_only_their_layers(towers, tmp_path):
    folder = mtl.export.saved_model(towers, tmp_path, tasks=["weight"], signatures=())
    loaded = tf.saved_model.load(folder)
    assert list(loaded.signatures) == ["serving_default"]
    assert sorted(tuple(v.shape) for v in loaded.variables) == [(1,), (2, 7), (7,), (7, 1)]
    assert list(json.loads((folder / "assets.extra" / "tasks.json").read_text())["tasks"]) == ["weight"]
    served = _answer(loaded, "serving_default", size=SIZES)
    assert list(served) == ["weight"]
    np.testing.assert_allclose(served["weight"], _predict(towers)["weight"], atol=1e-6)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float16"])
def test_low_precision_is_float32_outside(dtype, tmp_path):
    x = keras.Input((3,), name="x", dtype="float16" if dtype == "float16" else "float32")
    model = keras.Model(x, {"one": keras.layers.Dense(2, dtype=dtype, name="layer")(x)})
    loaded = tf.saved_model.load(mtl.export.saved_model(model, tmp_path))
    given = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    for signature in ("serving_default", "one"):
        served = _answer(loaded, signature, x=given)["one"]
        assert served.dtype == np.float32
        np.testing.assert_array_equal(served, model.predict(given, verbose=0)["one"].astype("float32"))


def test_images_that_are_preprocessed_outside_the_model(tmp_path):
    image = keras.Input((4, 4), name="image")
    model = keras.Model(image, {"sum": keras.layers.Dense(1, kernel_initializer="ones")(keras.layers.Flatten()(image))})
    folder = mtl.export.saved_model(
        model, tmp_path, signatures=["bytes"], preprocess=keras.layers.Rescaling(1 / 255, dtype="float32")
    )
    white = tf.io.encode_png(np.full((4, 4, 1), 255, "uint8")).numpy()
    served = _answer(tf.saved_model.load(folder), "serving_bytes", image_bytes=[white])
    np.testing.assert_allclose(served["sum"], [[16.0]], rtol=1e-6)


def test_whole_numbers_of_pixels(tmp_path):
    """A resized image is rounded where the model takes integers: 0 and 255 side by side give 128 between them."""
    image = keras.Input((1, 1, 1), dtype="uint8", name="image")
    model = keras.Model(image, {"value": keras.layers.Flatten(dtype="float32")(keras.layers.Rescaling(1.0)(image))})
    loaded = tf.saved_model.load(mtl.export.saved_model(model, tmp_path, signatures=["bytes"]))
    pair = tf.io.encode_png(np.array([[[0], [255]]], "uint8")).numpy()
    np.testing.assert_array_equal(_answer(loaded, "serving_bytes", image_bytes=[pair])["value"], [[128.0]])


class Python(keras.layers.Layer):
    """A layer that only a process with Python can compute."""

    def call(self, x):
        return tf.ensure_shape(tf.numpy_function(lambda y: y, [x], tf.float32), x.shape)

    def compute_output_shape(self, shape):
        return shape


def _python_only():
    x = keras.Input((2,), name="x")
    return keras.Model(x, {"t": Python()(x)})


def _named(*names):
    x = keras.Input((2,), name="x")
    return keras.Model(x, {name: keras.layers.Dense(1)(x) for name in names})


def _clash():
    return mtl.build_model((2,), [mtl.Task("a", mtl.heads.Binary()), mtl.Task("a_label", mtl.heads.Binary())])


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (
            lambda: _named("t"),
            {"tasks": ["u"]},
            r"`tasks` must be a list of names out of \['t'\]. Received: tasks=\['u'",
        ),
        (lambda: _named("t"), {"tasks": "t"}, r"`tasks` must be a list"),
        (lambda: _named("t"), {"tasks": []}, r"`tasks` must be a list"),
        (
            lambda: _named("t"),
            {"signatures": "byte"},
            r"`signatures` must be names out of .*Received: signatures='byte'",
        ),
        (
            lambda: _named("t"),
            {"signatures": "bytes"},
            r"exactly one image.*Received: inputs of shapes \{'x': \(None, 2\)",
        ),
        (lambda: _named("labels"), {}, r"`signatures` cannot have 'tasks' for the tasks \['labels'\]"),
        (
            lambda: _named("t"),
            {"labels": {"t": ["no", "yes"]}},
            r"`labels` can name only the labels that a head decides on.*no known head",
        ),
        (lambda: _named("t"), {"labels": ["t"]}, r"`labels` must be a dict by task name with keys out of \['t'\]"),
        (_clash, {"labels": {"a": ["no"]}}, r"`labels\['a'\]` must be 2 strings. Received: \['no'\]"),
        (_clash, {"labels": {"a": [0, 1]}}, r"`labels\['a'\]` must be 2 strings"),
        (_clash, {"labels": {"a": ["no", "yes"]}}, r"makes outputs that have the names of tasks: \['a_label'\]"),
        (lambda: _named("t"), {"top_k": 0}, r"`top_k` must be an integer of at least 1. Received: top_k=0"),
        (lambda: _named("t"), {"top_k": True}, r"`top_k` must be an integer of at least 1. Received: top_k=True"),
        (lambda: _named("t"), {"postprocess": 1}, r"`postprocess` must be True or False. Received: postprocess=1"),
        (lambda: _named("t"), {"signatures": None}, r"`signatures` must be names out of .*Received: signatures=None"),
        (_python_only, {}, r"`model` must not call Python.*PyFunc"),
    ],
)
def test_a_bad_call_leaves_nothing(make, arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        mtl.export.saved_model(make(), tmp_path / "models", **arguments)
    assert not (tmp_path / "models").exists()


def test_labels_that_make_no_outputs(tmp_path):
    folder = mtl.export.saved_model(
        _clash(), tmp_path, labels={"a": ["no", "yes"]}, postprocess=False, signatures=["tasks"]
    )
    loaded = tf.saved_model.load(folder)
    assert {name: set(s.structured_outputs) for name, s in loaded.signatures.items()} == {
        "serving_default": {"a", "a_label"},
        "a": {"a"},
        "a_label": {"a_label"},
    }
    assert json.loads((folder / "assets.extra" / "tasks.json").read_text())["tasks"]["a"]["labels"] == ["no", "yes"]


@pytest.mark.parametrize(("scheme", "left_out"), [("mmoe", 4), ("cgc", 6)])
def test_experts_and_gates_of_other_tasks_are_left_out(scheme, left_out, tmp_path):
    """The other task's gate and output have a kernel and a bias each; with `cgc` so has its expert."""
    tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Binary())]
    model = mtl.build_model((3,), tasks, tower=mtl.towers.MLP((4,)), sharing=scheme)
    loaded = tf.saved_model.load(mtl.export.saved_model(model, tmp_path, tasks=["a"], signatures=()))
    assert not [v.name for v in loaded.variables if v.name.startswith("b_")]
    assert len(loaded.variables) == len(model.weights) - left_out
