"""Members with every head, for tests."""

import functools

import keras
import numpy as np

import mtl_keras as mtl

ROWS = 12


def vector_tasks():
    return [
        mtl.Task("digit", mtl.heads.Multiclass(3)),
        mtl.Task("odd", mtl.heads.Binary(), weight=0.5),
        mtl.Task("marks", mtl.heads.Multilabel(2)),
        mtl.Task("ink", mtl.heads.Regression(2)),
        mtl.Task("price", mtl.heads.Gaussian()),
        mtl.Task("spread", mtl.heads.Quantiles((0.2, 0.8))),
        mtl.Task("visits", mtl.heads.Count()),
        mtl.Task("grade", mtl.heads.Ordinal(3, predict="probabilities")),
    ]


def vector_data(rows=ROWS):
    """Inputs, labels and weights, of which some are 0."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype("float32")
    y = {
        "digit": rng.integers(0, 3, rows),
        "odd": rng.integers(0, 2, rows),
        "marks": rng.integers(0, 2, (rows, 2)).astype("float32"),
        "ink": rng.normal(size=(rows, 2)).astype("float32"),
        "price": rng.normal(size=rows).astype("float32"),
        "spread": rng.normal(size=rows).astype("float32"),
        "visits": rng.integers(0, 4, rows),
        "grade": rng.integers(0, 3, rows),
    }
    weight = {task: (rng.uniform(size=rows) > 0.3).astype("float32") for task in y}
    return x, y, weight


def sequence_tasks(structure="crf"):
    tagging = mtl.heads.Tagging(3, structure, predict="probabilities")
    return [mtl.Task("intent", mtl.heads.Multiclass(2)), mtl.Task("slots", tagging)]


def sequence_data():
    x = np.array([[4, 2, 6, 0, 0], [1, 2, 3, 4, 5]] * 3, "int32")
    y = {"intent": np.arange(6) % 2, "slots": np.array([[1, 2, 0, -1, -1], [1, -1, 2, 0, 0]] * 3)}
    return x, y, {"intent": np.ones(6, "float32"), "slots": (y["slots"] >= 0).astype("float32")}


def map_tasks():
    return [
        mtl.Task("count", mtl.heads.Multiclass(3)),
        mtl.Task("where", mtl.heads.Detection(2, max_boxes=3)),
        mtl.Task("parts", mtl.heads.Segmentation(3, factor=2)),
    ]


def map_data():
    x = np.random.default_rng(0).normal(size=(4, 4, 4, 1)).astype("float32")
    boxes, classes = np.array([[[0.1, 0.2, 0.4, 0.6]]] * 4), np.array([[1]] * 4)
    y = {
        "count": np.arange(4) % 3,
        "where": mtl.data.encode_boxes(boxes, classes, grid=2),
        "parts": np.arange(64).reshape(4, 4, 4) % 3,
    }
    return x, y, {task: np.ones(4, "float32") for task in y}


def build_vectors():
    return _compiled(mtl.build_model((4,), vector_tasks(), tower=mtl.towers.MLP((5,))))


def build_sequences(structure="crf"):
    tower = mtl.towers.BiLSTM((2,), 3, num_tokens=8)
    tasks = sequence_tasks(structure)
    return _compiled(mtl.build_model(keras.Input((None,), dtype="int32", name="words"), tasks, tower=tower))


def build_maps():
    tower = keras.Sequential([keras.layers.Conv2D(3, 3, 2, padding="same"), keras.layers.ReLU()])
    return _compiled(mtl.build_model((4, 4, 1), map_tasks(), tower=tower))


@functools.cache
def vectors(number=3):
    """Members whose predictions differ, in plain numbers far from those of a new model."""
    return _different(build_vectors, number)


@functools.cache
def sequences(number=2, structure="crf"):
    return _different(lambda: build_sequences(structure), number)


@functools.cache
def maps(number=2):
    return _different(build_maps, number)


def _different(build, number):
    rng = np.random.default_rng(0)
    models = [build() for _ in range(number)]
    for model in models:
        model.set_weights([w + rng.normal(size=w.shape).astype(w.dtype) for w in model.get_weights()])
    return models


def _compiled(model):
    model.compile("sgd")
    return model
