"""gradients, by hand."""

import numpy as np
import pytest
from scipy import stats

import mtl_keras as mtl
from mtl_keras.relatedness import gradients
from tests.helpers import toy
from tests.unit.relatedness._linear import linear


def test_cosines_by_hand():
    """The angles of -(3, 4), (4, 3) and -(-4, 3); one batch gives no interval."""
    model, x, y = linear()
    matrix = gradients(model, (x, y))
    np.testing.assert_allclose(matrix.values, [[1, -24 / 25, 0], [-24 / 25, 1, 7 / 25], [0, 7 / 25, 1]], atol=1e-6)
    assert (matrix.rows == 1).all()
    assert np.isnan(matrix.low).all()
    assert matrix.gain


def test_the_mean_over_batches_and_its_interval():
    """Batches of b = (4, 3), (-4, -3) and (3, -4) have cosines -24/25, 24/25 and 0 with a; a is missing in a fourth."""
    model, x, y = linear()
    x, a = np.tile(x, (4, 1)), np.append(np.tile(y["a"], 3), [np.nan, np.nan])
    b = np.array([4.0, 3.0, -4.0, -3.0, 4.0, -3.0, 1.0, 1.0])
    matrix = gradients(model, (x, {"a": a, "b": b, "c": np.full(8, np.nan)}), batch_size=2)
    mean, half = 0.0, stats.t.ppf(0.975, 2) * stats.sem([-24 / 25, 24 / 25, 0.0])
    found = (matrix["a", "b"], matrix.low[0, 1], matrix.high[0, 1])
    assert found == pytest.approx((mean, mean - half, mean + half), abs=1e-6)
    assert (matrix.rows[0, 1], matrix.rows[1, 1], matrix.rows[0, 2]) == (3, 4, 0)
    assert matrix.reasons["a", "c"] == "no batch has labels and gradients of both"


def test_a_layer_and_an_unchanged_model():
    """The cosines for a layer are those of the model whose other shared layer is frozen."""
    model = toy.model(tower=mtl.towers.MLP((5, 4), dropout=0.5))
    data = mtl.data.from_arrays(*toy.arrays(), batch_size=20)
    before = [v.numpy() for v in model.variables]
    both, second = gradients(model, data), gradients(model, data, layer="shared_dense2_dense")
    same = gradients(model, data, layer=["shared_dense1_dense", "shared_dense2_dense"])
    for old, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    np.testing.assert_allclose(same.values, both.values, atol=1e-6)
    assert np.abs(second.values - both.values).max() > 0.01
    model.get_layer("shared_dense1_dense").trainable = False
    model.compile("sgd", metrics=[])
    np.testing.assert_allclose(gradients(model, data).values, second.values, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "arguments", "text"),
    [
        (lambda: linear()[0], {"layer": "a"}, r"out of \['k'\]"),
        (lambda: mtl.build_model((2,), toy.tasks()), {}, "`model` must be compiled"),
        (lambda: toy.model("single_task"), {}, "at least two tasks that share variables"),
        (lambda: None, {}, "must be a mtl_keras.MultiTaskModel"),
    ],
)
def test_wrong_arguments(make, arguments, text):
    with pytest.raises(ValueError, match=text):
        gradients(make(), (np.eye(2), {}), **arguments)
