"""`snapshot`: the learning rate, which weights become members, errors."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import ensembles
from tests.unit.ensembles import _members


class Rates(keras.callbacks.Callback):
    """Keeps the learning rate of every step."""

    seen: list = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


def _model(rate=0.4):
    model = mtl.build_model((4,), _members.vector_tasks()[:1], tower=mtl.towers.MLP((3,)))
    model.compile(keras.optimizers.SGD(rate))
    return model


def test_two_cycles_of_two_epochs_of_two_steps(monkeypatch):
    x, y, _ = _members.vector_data()
    model, rates = _model(), Rates()
    rates.seen.clear()
    fit, states = model.fit, []

    def watched(*args, callbacks, **kwargs):
        result = fit(*args, callbacks=[*callbacks, rates], **kwargs)
        states.append(model.predict(x, verbose=0)["digit"])
        return result

    monkeypatch.setattr(model, "fit", watched)
    ensemble = ensembles.snapshot(model, (x, {"digit": y["digit"]}), cycles=2, epochs=2, batch_size=6)
    cosine = [0.4, 0.2 * (1 + np.sqrt(0.5)), 0.2, 0.2 * (1 - np.sqrt(0.5))]
    np.testing.assert_allclose(rates.seen, cosine * 2, rtol=1e-5)
    np.testing.assert_allclose(ensemble.predict(x, verbose=0)["digit"], np.mean(states, axis=0), atol=1e-6)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.4)


def test_errors():
    x, y, _ = _members.vector_data()
    data = x, {"digit": y["digit"]}
    with pytest.raises(ValueError, match="`keep` must be an integer from 1 to 2"):
        ensembles.snapshot(_model(), data, cycles=2, keep=3)
    with pytest.raises(ValueError, match="`model` must have an optimizer with a number as its learning rate"):
        ensembles.snapshot(_model(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), data)
    with pytest.raises(ValueError, match="`data` must have a known number of batches"):
        ensembles.snapshot(_model(), mtl.data.from_arrays(*data).repeat())
    with pytest.raises(ValueError, match="`model` must be compiled"):
        ensembles.snapshot(mtl.build_model((4,), _members.vector_tasks()[:1]), data)
