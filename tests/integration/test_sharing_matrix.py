"""Every sharing scheme on every kind of tower, with few and many tasks, under weightings that read different things.

By default each scheme runs on one of the towers with one number of tasks and one weighting, in turn, and one scheme in
four is a fast test. With the environment variable `WHOLE_MATRIX=1` it runs with all. The training steps of one scheme
in four are traced.
"""

import dataclasses
import itertools
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import _registry
from mtl_keras.engine import Partition

WHOLE = bool(os.environ.get("WHOLE_MATRIX"))
ROWS = 8
WEIGHTINGS = ["uncertainty", "upgrad", "graddrop"]
NUM_TASKS = [2, 3, 5]


@dataclasses.dataclass(frozen=True)
class Recurrent(mtl.towers.Tower):
    """Two recurrent stages, each a sequence of the length of the input."""

    def stages(self):
        def stage(x, name):
            return keras.layers.SimpleRNN(4, return_sequences=True, name=f"{name}_rnn")(x)

        return {"rnn1": stage, "rnn2": stage}


def _table():
    rng = np.random.default_rng(0)
    return {"age": rng.normal(size=ROWS).astype("float32"), "job": rng.choice(["cook", "clerk"], ROWS)}


def _numbers(*shape):
    return np.random.default_rng(0).normal(size=(ROWS, *shape)).astype("float32")


TABULAR = mtl.towers.Tabular(("age",), {"job": ("clerk", "cook")}, units=(4, 4))
TOWERS = {  # name: (tower, inputs of the model, a batch)
    "dense": (mtl.towers.MLP((4, 4)), lambda: keras.Input((5,), name="x"), _numbers(5)),
    "convolutional": (mtl.towers.Conv(filters=(2, 4)), lambda: keras.Input((8, 8, 1), name="x"), _numbers(8, 8, 1)),
    "recurrent": (Recurrent(), lambda: keras.Input((None, 3), name="x"), _numbers(3, 3)),
    "tabular": (TABULAR, TABULAR.inputs, _table()),
}
HEADS = [mtl.heads.Binary(), mtl.heads.Multiclass(3), mtl.heads.Regression(), mtl.heads.Multilabel(2)]


def _cases():
    if WHOLE:
        return list(itertools.product(_registry.names("sharing"), TOWERS, NUM_TASKS, [WEIGHTINGS]))
    schemes, towers = _registry.names("sharing"), list(TOWERS)
    chosen = []
    for (i, scheme), (j, tower) in itertools.product(enumerate(schemes), enumerate(towers)):
        if (i + j) % 4 == 0:
            marks = [pytest.mark.graph] * (tower == "dense") + [pytest.mark.slow] * (i % 8 > 0)
            case = scheme, tower, NUM_TASKS[i % 3], [WEIGHTINGS[i % 3]]
            chosen.append(pytest.param(*case, marks=marks))
    return chosen


def _tasks(scheme, num_tasks):
    heads = [HEADS[0]] if scheme == "esmm" else HEADS  # which multiplies probabilities of yes
    return [mtl.Task(f"t{i}", heads[i % len(heads)]) for i in range(num_tasks)]


def _labels(tasks):
    rng = np.random.default_rng(1)
    return {t.name: rng.integers(0, 2, (ROWS, 2 if isinstance(t.head, mtl.heads.Multilabel) else 1)) for t in tasks}


@pytest.mark.parametrize(("scheme", "tower", "num_tasks", "weightings"), _cases())
def test_trains_saves_and_exports(scheme, tower, num_tasks, weightings, tmp_path):
    keras.utils.set_random_seed(0)
    recipe, inputs, x = TOWERS[tower]
    tasks = _tasks(scheme, num_tasks)
    model = mtl.build_model(inputs(), tasks, recipe, scheme)
    if not Partition(model).shared:
        with pytest.raises(ValueError, match="the tasks share none"):
            model.compile("sgd", weighting="upgrad")
        weightings = ["uncertainty"]
    data = mtl.data.from_arrays(x, _labels(tasks), ROWS)
    for weighting in weightings:
        model.compile("sgd", weighting=weighting, metrics=[])
        before = [variable.numpy() for variable in model.trainable_variables]
        history = model.fit(data, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        moved = [np.abs(v.numpy() - old).max() > 0 for v, old in zip(model.trainable_variables, before, strict=False)]
        assert np.mean(moved) > 0.6  # rectified units may be off for all rows
    tensors = keras.tree.map_structure(tf.constant, x)
    predicted = model(tensors)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")(tensors)
    for task, expected in predicted.items():
        np.testing.assert_allclose(loaded[task], expected, atol=1e-6)
    if tower != "recurrent" or WHOLE:  # loops take long to trace; `test_texts.py` exports one
        folder = mtl.export.saved_model(model, tmp_path / "export", signatures=())
        served = tf.saved_model.load(folder).signatures["serving_default"]
        exported = served(**(tensors if isinstance(tensors, dict) else {"x": tensors}))
        for task, expected in predicted.items():
            np.testing.assert_allclose(exported[task], expected, atol=1e-5)
