"""affinity, by hand and on data with a known answer."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.relatedness import affinity, group_tasks
from tests.unit.callbacks.test_affinity import BY_HAND
from tests.unit.relatedness._linear import linear


def test_a_linear_model_by_hand():
    model, x, y = linear(0.1)
    matrix = affinity(model, (x, y), every=1)
    np.testing.assert_allclose(matrix.values, BY_HAND, atol=1e-6)
    assert (matrix.rows == 1).all()
    assert matrix.gain


def test_the_mean_over_records():
    """The learning rate of training is 0, so that both epochs have the same affinities; c is missing."""
    model, x, y = linear(0.0)
    y["c"][:] = np.nan
    callback = mtl.callbacks.Affinity(every=1, rate=0.1)
    model.fit(mtl.data.from_arrays(x, y, batch_size=2), epochs=2, callbacks=[callback], verbose=0)
    matrix = affinity(callback)
    np.testing.assert_allclose(matrix.values[:2, :2], BY_HAND[:2, :2], atol=1e-6)
    assert (matrix.rows[0, 1], matrix.rows[0, 2]) == (2, 0)
    assert matrix.reasons["a", "c"] == "no batch has labels of both"


@pytest.mark.graph
def test_labels_of_common_factors():
    """Labels of two factors: a task helps the other one of its factor more than those of the other factor."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 8)).astype("float32")
    y = {}
    for i, factor in enumerate((x[:, :4].sum(axis=1), x[:, 4:].sum(axis=1))):
        y |= {f"{i}{k}": (factor + 0.5 * rng.normal(size=512)).astype("float32") for k in "ab"}
    tasks = [mtl.Task(f"t{name}", mtl.heads.Regression()) for name in y]
    model = mtl.build_model((8,), tasks, tower=mtl.towers.MLP((16,)))
    model.compile(keras.optimizers.SGD(0.02), metrics=[])
    matrix = affinity(model, (x, {f"t{name}": values for name, values in y.items()}), epochs=3, every=2)
    assert group_tasks(matrix, 2) == [["t0a", "t0b"], ["t1a", "t1b"]]
    assert min(matrix["t0a", "t0b"], matrix["t1b", "t1a"]) > 2 * abs(matrix["t0a", "t1a"])


def test_wrong_arguments():
    model, x, y = linear()
    with pytest.raises(ValueError, match="without a record"):
        affinity(mtl.callbacks.Affinity())
    with pytest.raises(ValueError, match="`train` must be"):
        affinity(model)
    with pytest.raises(ValueError, match="`epochs` must be an integer of at least 1"):
        affinity(model, (x, y), epochs=0)
