"""The data of a run: of the tasks of its model alone."""

import numpy as np

import mtl_keras as mtl
from mtl_keras.study._data import of_tasks


def test_labels_and_weights_of_some_tasks():
    x, y = np.arange(4.0), {task: np.arange(4) + i for i, task in enumerate("abc")}
    weights = {"a": np.ones(4), "b": np.ones(4), "c": np.array([0.0, 1.0, 2.0, 3.0])}
    batches = mtl.data.from_arrays(x, y, 4, sample_weight=weights)
    _, labels, kept = next(iter(of_tasks(batches, ["c", "b"])))
    assert list(labels) == ["c", "b"]
    np.testing.assert_array_equal(labels["c"], y["c"])
    assert list(kept) == ["c", "b"]
    np.testing.assert_array_equal(kept["c"], weights["c"])


def test_weights_for_some_tasks_or_for_all():
    x, y, one = np.ones(2), {"a": np.ones(2), "b": np.ones(2)}, np.array([1.0, 2.0])
    for weights, expected in (({"a": one}, {"a": one}), ({"b": one}, {}), (one, one)):
        batches = mtl.data.from_arrays(x, y, 2).map(lambda x, y, w=weights: (x, y, w))
        *_, kept = next(iter(of_tasks(batches, ["a"])))
        np.testing.assert_equal(kept if isinstance(weights, dict) else np.asarray(kept), expected)


def test_data_without_other_tasks_are_as_they_were():
    batches = mtl.data.from_arrays(np.ones(2), {"a": np.ones(2), "b": np.ones(2)})
    assert of_tasks(batches, ["b", "a"]) is batches
