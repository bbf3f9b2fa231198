"""The verdict on made-up problems: where sharing must help, and where it must hurt."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl

OPTIONS = {"seeds": 5, "batch_size": 64, "verbose": False}


def _related(rows, seed, share=1.0):
    """Task `a` is the quadrant of two hidden numbers, `b` the sign of one, with labels on some rows alone."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 20)).astype("float32")
    u, v = np.random.default_rng(9).normal(size=(2, 20))
    a = 2 * (x @ u > 0) + (x @ v > 0)
    b = (x @ u > 0).astype(int)
    return x, {"a": a, "b": np.where(rng.uniform(size=rows) < share, b, -1) if share < 1 else b}


def _unrelated(rows, seed):
    x = np.random.default_rng(seed).normal(size=(rows, 2)).astype("float32")
    return x, {"a": (x[:, 0] > 0).astype(int), "b": (x[:, 1] > 0).astype(int)}


def _build(inputs, num_classes, tower, rate):
    tasks = [mtl.Task("a", mtl.heads.Multiclass(num_classes)), mtl.Task("b", mtl.heads.Binary())]

    def build(sharing="hard"):
        model = mtl.build_model((inputs,), tasks, tower=tower, sharing=sharing)
        model.compile(keras.optimizers.Adam(rate))
        return model

    return build


@pytest.mark.slow
@pytest.mark.graph
def test_sharing_helps_a_task_with_few_labels():
    build = _build(20, 4, mtl.towers.MLP((32, 16)), 0.01)
    data = _related(2000, 0, share=0.01), _related(500, 1), _related(1000, 2)
    study = mtl.study.compare(build, {"sum": {}}, *data, epochs=6, **OPTIONS)
    assert study.verdicts()["b"]["sum"] == "gains"
    assert study.verdicts()["a"]["sum"] != "gains"
    assert "sum gains" in str(study).partition("b, accuracy")[2]


@pytest.mark.slow
@pytest.mark.graph
def test_sharing_hurts_unrelated_tasks_on_one_unit():
    build = _build(2, 2, mtl.towers.MLP((1,), activation="tanh"), 0.05)
    data = _unrelated(1000, 0), _unrelated(500, 1), _unrelated(1000, 2)
    study = mtl.study.compare(build, {"sum": {}}, *data, epochs=4, **OPTIONS)
    assert study.verdicts()["all tasks"]["sum"] == "loses"
    assert "sum loses" in str(study)
