"""transfer, against comparisons of single pairs and on data with a known answer."""

import functools
import importlib
import math

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.relatedness import transfer
from mtl_keras.relatedness.transfer import _of_pair
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


class _Found:
    """A comparison of which the gains are known: 1 for the first task, 2 for the second, and none for "noise"."""

    def __init__(self, build, candidates, *data, seeds, **options):
        _, y = data[0]
        self.names = list(build(**candidates["together"]).task_names)
        assert list(y) == self.names
        gains = [math.nan if name == "noise" else i + 1.0 for i, name in enumerate(self.names)]
        found = [Gain(mean=g, sd=0.1, low=g - 0.5, high=g + 0.5, seeds=seeds, p=0.1) for g in gains]
        self.gains = {"together": dict(zip(self.names, found, strict=True))}

    def rows(self):
        return [{"error": None}, {"error": f"ValueError: with {self.names[0]}"}]


def test_every_pair_has_its_place(monkeypatch):
    monkeypatch.setattr(importlib.import_module("mtl_keras.relatedness.transfer"), "compare", _Found)
    data = _part(8, 8)
    matrix = transfer(_build, ["much", "few", "noise"], data, data, data, seeds=3)
    nan = math.nan
    np.testing.assert_array_equal(matrix.values, [[0, 2, nan], [1, 0, nan], [1, 1, 0]])
    np.testing.assert_array_equal(matrix.low, matrix.values - 0.5 + np.diag([nan] * 3))
    assert matrix.reasons == {
        ("much", "noise"): "ValueError: with much",
        ("few", "noise"): "ValueError: with few",
    }


def test_data_of_a_pair():
    """Arrays, functions of the seed, and datasets, with weights."""
    x, y = _part(8, 8)
    weights = {task: np.ones(8) for task in y}
    batches = mtl.data.from_arrays(x, y, sample_weight=weights)
    for part in ((x, y, weights), batches, lambda seed: (x, y, weights)):
        found = _of_pair(part, ["few", "much"])
        found = found(0) if callable(part) and part is not batches else found
        _, labels, kept = next(iter(found)) if part is batches else found
        assert set(labels) == set(kept) == {"few", "much"}
        np.testing.assert_array_equal(labels["much"], y["much"])


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
    assert (matrix.rows == 2).all()
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
