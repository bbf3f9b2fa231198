"""What depends on the epoch follows `fit`."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy

TASKS = ["digit", "odd", "marks", "ink"]


def _history(model, **arguments):
    x, y = toy.arrays()
    return model.fit(x, y, batch_size=10, verbose=0, **arguments).history


@pytest.mark.graph
def test_a_schedule_sets_the_weights_of_each_epoch():
    model = toy.model(weighting=mtl.weightings.Schedule({"odd": lambda epoch: 1.0 + epoch, "ink": lambda epoch: 0.0}))
    history = _history(model, epochs=3)
    assert history["odd_weight"] == [0.5, 1.0, 1.5]  # times the task's own weight, 0.5
    assert history["ink_weight"] == [0.0, 0.0, 0.0]
    assert _history(model, initial_epoch=5, epochs=6)["odd_weight"] == [3.0]


def _dwa_weights(history, epoch):
    """The weights from the logged losses, with temperature 2; a weighting sees the losses times their weights."""
    ratios = np.array([history[f"{task}_loss"][epoch - 1] / history[f"{task}_loss"][epoch - 2] for task in TASKS])
    weights = len(TASKS) * np.exp(ratios / 2) / np.exp(ratios / 2).sum()
    return weights * [1.0, 0.5, 1.0, 2.0]


@pytest.mark.graph
def test_dwa_counts_the_epochs():
    keras.utils.set_random_seed(0)
    history = _history(toy.model(weighting="dwa", optimizer=keras.optimizers.Adam(0.05)), epochs=4)
    for epoch in range(4):
        found = [history[f"{task}_weight"][epoch] for task in TASKS]
        expected = [1.0, 0.5, 1.0, 2.0] if epoch < 2 else _dwa_weights(history, epoch)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.ptp(_dwa_weights(history, 3) / [1.0, 0.5, 1.0, 2.0]) > 0.01


@pytest.mark.parametrize("as_list", [False, True])
def test_what_a_callback_saves_at_the_end_of_an_epoch_is_complete(tmp_path, as_list):
    model = toy.model(weighting="dwa")
    saved = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    callbacks = keras.callbacks.CallbackList([saved], add_history=True, model=model, epochs=2) if as_list else [saved]
    _history(model, epochs=2, callbacks=callbacks)
    again = keras.models.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(again.weighting.means, model.weighting.means)
    assert np.all(np.array(again.weighting.means) > 0)
