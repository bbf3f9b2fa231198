"""`average_weights`: means by hand, batch norm counted again, errors."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import ensembles
from tests.unit.ensembles import _members

TASKS = _members.vector_tasks()[:1]


def _model(width=3, norm=False):
    layers = [keras.layers.Dense(width), *([keras.layers.BatchNormalization()] if norm else []), keras.layers.ReLU()]
    model = mtl.build_model((4,), TASKS, tower=keras.Sequential(layers))
    model.compile("sgd")
    return model


def test_the_mean_of_the_weights():
    a, b = _model(), _model()
    soup = ensembles.average_weights([a, b], weights=[3, 1])
    for found, one, two in zip(soup.get_weights(), a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(found, 0.75 * one + 0.25 * two, rtol=1e-5)
    assert len(soup.trainable_variables) == len(a.trainable_variables)
    x, y, _ = _members.vector_data()
    assert np.isfinite(soup.test_on_batch(x, {"digit": y["digit"]}, return_dict=True)["loss"])


def test_batch_norm_is_counted_again():
    """Means and variances of what the averaged dense layer gives, batch by batch, by NumPy."""
    a, b = _model(norm=True), _model(norm=True)
    x = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
    data = x, {"digit": np.arange(10) % 3}
    batches = mtl.data.from_arrays(*data, batch_size=4)
    soup = ensembles.average_weights([a, b], batches)
    kernel = (a.get_weights()[0] + b.get_weights()[0]) / 2
    parts = [x[:4] @ kernel, x[4:8] @ kernel, x[8:] @ kernel]
    mean = sum(len(part) * part.mean(axis=0) for part in parts) / 10
    variance = sum(len(part) * part.var(axis=0) for part in parts) / 10
    (norm,) = [layer for layer in soup.layers[1].layers if isinstance(layer, keras.layers.BatchNormalization)]
    np.testing.assert_allclose(norm.moving_mean, mean, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-4)
    assert norm.momentum == 0.99


def test_errors():
    with pytest.raises(ValueError, match=r"`data` must be training data, because .* batch norm: \['batch_norm"):
        ensembles.average_weights([_model(norm=True)])
    with pytest.raises(ValueError, match=r"`models\[1\]` must have the layers of `models\[0\]`.*shapes .*\(4, 5\)"):
        ensembles.average_weights([_model(), _model(5)])
    with pytest.raises(ValueError, match=r"`models\[1\]` must have the layers"):
        ensembles.average_weights([_model(), _model(norm=True)])
    with pytest.raises(ValueError, match="`weights` must be the same for all tasks"):
        ensembles.average_weights([_model()], weights={"digit": [1]})
