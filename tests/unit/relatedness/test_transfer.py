"""transfer, against comparisons of single pairs and on data with a known answer."""

import functools
import math

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.relatedness import transfer
from mtl_keras.relatedness.transfer import _matrix
from mtl_keras.study._statistics import Gain

RNG = np.random.default_rng(0)
HIDDEN = RNG.normal(size=12)


def _part(rows, labelled):
    """Two noisy labels of one function of the inputs, of which the second is rarely there, and one of pure noise."""
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 12)).astype("float32")
    clean = x @ HIDDEN
    y = {"much": clean, "few": np.where(np.arange(rows) < labelled, clean, np.nan), "noise": rng.normal(size=rows)}
    return x, {task: values.astype("float32") for task, values in y.items()}


def _build(tasks, sharing="hard"):
    heads = [mtl.Task(name, mtl.heads.Regression()) for name in tasks]
    model = mtl.build_model((12,), heads, tower=mtl.towers.MLP((2,)), sharing=sharing)
    model.compile(keras.optimizers.Adam(0.02))
    return model


def test_every_gain_has_its_place():
    """Gains that are known: 1 for the first task of a pair, 2 for the second, and none for "noise"."""

    def gain(value):
        return Gain(mean=value, sd=0.1, low=value - 0.5, high=value + 0.5, seeds=3, p=0.1)

    names, nan = ["much", "few", "noise"], math.nan
    failed = Gain(mean=nan, sd=nan, low=nan, high=nan, seeds=0, p=nan)
    gains = {
        "1": (["much", "few"], {"much": gain(1.0), "few": gain(2.0), "noise": failed}),
        "2": (["much", "noise"], {"much": gain(1.0), "few": failed, "noise": failed}),
        "3": (["few", "noise"], {"much": failed, "few": gain(1.0), "noise": failed}),
    }
    matrix = _matrix(names, gains, {"2": "ValueError: wrong"})
    np.testing.assert_array_equal(matrix.values, [[0, 2, nan], [1, 0, nan], [1, 1, 0]])
    np.testing.assert_array_equal(matrix.low, matrix.values - 0.5 + np.diag([nan] * 3))
    np.testing.assert_array_equal(matrix.rows, [[0, 3, 0], [3, 0, 0], [3, 3, 0]])
    assert matrix.reasons == {("much", "noise"): "ValueError: wrong", ("few", "noise"): "no run with finite figures"}


@pytest.mark.slow
def test_each_task_is_trained_alone_once(tmp_path):
    """Three tasks and three pairs are six trainings for each seed; data may have labels of further tasks."""
    data = _part(32, 32)
    file = tmp_path / "study.db"
    matrix = transfer(
        _build, ["much", "few", "noise"], data, data, data, seeds=1, epochs=1, storage=file, verbose=False
    )
    study = mtl.study.load(file)
    assert [len(run["epoch"]) for run in study.runs("alone").values()] == [3]
    assert study.candidates == ["alone", "much with few", "much with noise", "few with noise"]
    alone, pair = (study.figures(name, "noise")[0] for name in ("alone", "few with noise"))
    assert matrix["few", "noise"] == pytest.approx(100 * (alone - pair) / alone)  # a lower error is a gain
    few = transfer(_build, ["few", "much"], data, data, data, seeds=1, epochs=1, verbose=False)
    assert few.tasks == ["few", "much"]


@pytest.mark.slow
def test_the_gains_are_those_of_a_comparison():
    """With functions of the seed and datasets, too."""
    data = _part(32, 32)
    options = {"seeds": 2, "epochs": 1, "verbose": False}
    matrix = transfer(_build, ["much", "few"], lambda seed: data, data, mtl.data.from_arrays(*data), **options)
    pair = data[0], {task: data[1][task] for task in ("much", "few")}
    build, candidates = functools.partial(_build, ["much", "few"]), {"hard": {"sharing": "hard"}}
    expected = mtl.study.compare(build, candidates, pair, pair, pair, **options).gains["hard"]
    assert matrix["few", "much"] == pytest.approx(expected["much"].mean, rel=1e-4)
    assert matrix.low[0, 1] == pytest.approx(expected["few"].low, rel=1e-4)
    assert matrix.rows.tolist() == [[0, 2], [2, 0]]
    assert matrix.gain


@pytest.mark.slow
@pytest.mark.graph
def test_a_task_of_few_labels_gains_from_one_of_many(tmp_path):
    """The rare label gains from the same label in full. A second call trains nothing."""
    data = _part(600, 24), _part(300, 300), _part(301, 301)
    options = {"seeds": 2, "epochs": 10, "storage": tmp_path / "study.db", "verbose": False}
    matrix = transfer(_build, ["much", "few"], *data, **options)
    assert matrix["much", "few"] > 5
    np.testing.assert_array_equal(transfer(_build, ["much", "few"], *data, **options).values, matrix.values)


@pytest.mark.parametrize("tasks", ["much", ["much"], ["much", "much"]])
def test_wrong_tasks(tasks):
    data = _part(8, 8)
    with pytest.raises(ValueError, match="`tasks` must be a list of at least two distinct names"):
        transfer(_build, tasks, data, data, data)
