"""Affinity, by hand."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.callbacks import Affinity
from tests.helpers import toy
from tests.unit.relatedness._linear import linear

# At k = 0 all losses are 12.5. A step of 0.1 along a makes k (0.3, 0.4), along b (-0.8, -0.6), along c (-0.4, 0.3); the
# losses are |k - (3, 4)|² / 2, |2 k + (4, 3)|² / 2 and |k - (-4, 3)|² / 2. So a's step leaves a 0.81 of its loss, makes
# b's (4.6² + 3.8²) / 2 = 17.8, and c's (4.3² + 2.6²) / 2 = 12.625.
BY_HAND = (
    1
    - np.array(
        [
            [0.81 * 12.5, (4.6**2 + 3.8**2) / 2, (4.3**2 + 2.6**2) / 2],
            [(3.8**2 + 4.6**2) / 2, (2.4**2 + 1.8**2) / 2, (3.2**2 + 3.6**2) / 2],
            [(3.4**2 + 3.7**2) / 2, (3.2**2 + 3.6**2) / 2, 0.81 * 12.5],
        ]
    )
    / 12.5
)


@pytest.mark.graph
@pytest.mark.parametrize(
    "arguments",
    [{}, {"weighting": "pcgrad"}, {"jit_compile": True}, {"run_eagerly": True}],
    ids=["sum", "pcgrad", "xla", "eager"],
)
def test_a_linear_model_by_hand(arguments):
    model, x, y = linear(0.1, **arguments)
    callback = Affinity(every=1)
    model.fit(x, y, batch_size=2, callbacks=[callback], verbose=0)
    np.testing.assert_allclose(callback.affinities, [BY_HAND], atol=1e-6)
    assert callback.steps == [1]


def test_a_rate_of_its_own_and_loss_weights():
    """The step along a is twice as long with twice its weight, and the ratio is of the same loss."""
    model, x, y = linear(0.0, loss_weights={"a": 2.0, "b": 1.0, "c": 1.0})
    callback = Affinity(every=1, rate=0.05)
    model.fit(x, y, batch_size=2, callbacks=[callback], verbose=0)
    np.testing.assert_allclose(callback.affinities[0, 0], BY_HAND[0], atol=1e-6)


def test_an_absent_task_is_nan():
    model, x, y = linear(0.1)
    y["b"][:] = np.nan
    callback = Affinity(every=1)
    model.fit(mtl.data.from_arrays(x, y, batch_size=2), callbacks=[callback], verbose=0)
    there = np.array([True, False, True])
    expected = np.where(np.outer(there, there), BY_HAND, np.nan)
    np.testing.assert_allclose(callback.affinities, [expected], atol=1e-6)


def _trained(callbacks, **arguments):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Flatten(), keras.layers.Dense(8), keras.layers.BatchNormalization()]
    tower = keras.Sequential([*layers, keras.layers.Activation("tanh"), keras.layers.Dropout(0.4, seed=1)])
    model = toy.model(tower=tower, optimizer=keras.optimizers.Adam(0.1), **arguments)
    x, y = toy.arrays(rows=12)
    model.fit(x, y, batch_size=4, epochs=1, shuffle=False, callbacks=callbacks, verbose=0)
    return model


@pytest.mark.parametrize(
    "arguments",
    [{"run_eagerly": True}, pytest.param({}, marks=[pytest.mark.slow, pytest.mark.graph])],
    ids=["eager", "graph"],
)
def test_training_is_as_without_it(arguments):
    callback = Affinity(every=2)
    plain, other = _trained(None, **arguments), _trained([callback], **arguments)
    assert callback.steps == [1, 3]
    assert np.isfinite(callback.affinities).all()
    for one, variable in zip(plain.variables, other.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), variable.numpy(), rtol=1e-5, atol=1e-6, err_msg=variable.path)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: keras.Sequential([keras.layers.Dense(1)]), "needs a mtl_keras.MultiTaskModel"),
        (lambda: toy.model("single_task"), "at least two tasks that share variables"),
    ],
)
def test_wrong_models(make, text):
    with pytest.raises(ValueError, match=text):
        Affinity().set_model(make())


def test_another_models_tasks():
    callback = Affinity()
    callback.set_model(linear()[0])
    with pytest.raises(ValueError, match="Make a new one"):
        callback.set_model(toy.model())
