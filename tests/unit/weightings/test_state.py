"""Weightings of losses and rows are made again from their config and go on from their saved state."""

import keras
import numpy as np
import pytest

from tests.unit.weightings._cases import CASES, NUM_PARAMETERS, Runner

LOSSES = np.array([0.5, 2.0, 1.0])
ROWS = np.random.default_rng(1).normal(size=(3, NUM_PARAMETERS))


def step(run, index):
    losses = LOSSES * [1.0 / (1 + index), 1.0, 0.9**index]
    value = run(losses, rows=ROWS * (1.0 + index))
    if index % 2:
        run.weighting.on_epoch_end(index)
    return value


def model_with(weighting):
    """Returns a model that holds the weighting as a compiled one does."""
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.weighting = weighting
    return model


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip(name):
    made = Runner(name, mode="eager").weighting
    config = keras.saving.serialize_keras_object(made)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(made)
    assert not again.built
    assert again.get_config() == made.get_config()
    assert keras.saving.serialize_keras_object(again) == config
    assert made.name == made.__module__.rsplit(".", 1)[-1]


@pytest.mark.parametrize("name", CASES)
def test_a_saved_state_goes_on_as_if_not_saved(name, tmp_path):
    first = Runner(name)
    for index in range(5):
        step(first, index)
    path = tmp_path / "model.weights.h5"
    model_with(first.weighting).save_weights(path)
    second = Runner(name)
    model_with(second.weighting).load_weights(path)
    for index in range(5, 9):
        np.testing.assert_array_equal(step(second, index), step(first, index))
