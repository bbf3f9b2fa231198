"""An export in the loaders that are not Python's: that of TensorFlow Serving, and sessions of TensorFlow 1."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import c_loader, sessions

pytestmark = pytest.mark.graph

LABELS = {"digit": ["zero", "one", "two"], "odd": ["even", "odd"]}


@pytest.fixture(scope="module")
def model():
    """Pixels in a network with batch norm and dropout, and words in a look-up table."""
    image = keras.Input((8, 8, 1), name="image", dtype="uint8")
    word = keras.Input((), name="word", dtype="string")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3, activation="relu")(x))
    x = keras.layers.Dropout(0.5)(keras.layers.GlobalAveragePooling2D()(x))
    word_features = keras.layers.Embedding(3, 2)(keras.layers.StringLookup(vocabulary=["cat", "dog"])(word))
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3)), mtl.Task("odd", mtl.heads.Binary())]
    outputs = {
        "digit": tasks[0].head(keras.layers.Concatenate()([x, word_features]), "digit"),
        "odd": tasks[1].head(x, "odd"),
    }
    return mtl.MultiTaskModel({"image": image, "word": word}, outputs, tasks=tasks)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return mtl.export.saved_model(
        model, tmp_path_factory.mktemp("models"), signatures=("tasks", "bytes", "examples"), labels=LABELS
    )


def _inputs(rows):
    """Returns `{signature: {name: array}}`, the same samples for all of them."""
    rng = np.random.default_rng(rows)
    image = rng.integers(0, 256, (rows, 8, 8, 1), dtype="uint8")
    word = np.array([b"dog", b"bird", b"cat"])[rng.integers(0, 3, rows)]
    png = np.array([tf.io.encode_png(pixels).numpy() for pixels in image])
    examples = []
    for pixels, text in zip(image, word, strict=True):
        features = {
            "image": tf.train.Feature(int64_list=tf.train.Int64List(value=pixels.ravel())),
            "word": tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes(text)])),
        }
        example = tf.train.Example(features=tf.train.Features(feature=features))
        # In the order of the names: NumPy cuts zeros off the end of bytes, and a word has none there.
        examples.append(example.SerializeToString(deterministic=True))
    return {
        "serving_default": {"image": image, "word": word},
        "labels": {"image": image, "word": word},
        "digit": {"image": image, "word": word},
        "odd": {"image": image},
        "serving_bytes": {"image_bytes": png, "word": word},
        "serving_examples": {"examples": np.array(examples)},
    }


def _check(model, rows, answers):
    """Asserts that `{signature: {name: array}}` is what the model predicts."""
    x = _inputs(rows)["serving_default"]
    expected = model.predict({"image": x["image"], "word": tf.constant(x["word"])}, verbose=0)
    for signature, answer in answers.items():
        for task in set(answer) & set(expected):
            np.testing.assert_allclose(answer[task], expected[task], atol=1e-6)
        if signature in ("digit", "labels"):
            names = np.array(LABELS["digit"], "S")[expected["digit"].argmax(axis=1)]
            np.testing.assert_array_equal(answer["digit_label"].astype("S"), names)
        else:
            assert set(answer) & set(expected)


@pytest.mark.parametrize("rows", [1, 7])
def test_session(model, folder, rows):
    inputs = _inputs(rows)
    with sessions.load(folder) as session:  # in a graph of its own
        assert set(session.tensors) == set(inputs)
        answers = {signature: session.run(signature, x) for signature, x in inputs.items()}
    _check(model, rows, answers)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 7])
def test_library_without_python(model, folder, rows):
    library = c_loader.library()
    if library is None:
        pytest.skip("this TensorFlow has no libtensorflow_cc.so.2")
    inputs = _inputs(rows)
    with sessions.load(folder) as session:
        answers = c_loader.run(library, {folder: (session.tensors, inputs)})
    _check(model, rows, answers[folder])
