"""Schedule: weights by name and epoch."""

import keras
import numpy as np
import pytest

from mtl_keras.weightings import Schedule

LOSSES, PRESENT = np.array([1.0, 10.0], "float32"), np.ones(2, "float32")


@keras.saving.register_keras_serializable(package="test_schedule")
def ramp(epoch):
    return min(epoch / 4, 1.0)


def built(schedules):
    weighting = Schedule(schedules)
    weighting.task_names = ("a", "b")
    weighting.build(2)
    return weighting


def test_weights_follow_the_epoch():
    weighting = built({"b": ramp})
    for epoch, expected in [(0, 1.0), (2, 6.0), (9, 11.0)]:
        weighting.on_epoch_begin(epoch)
        np.testing.assert_allclose(float(weighting(LOSSES, PRESENT)), expected)


def test_registered_functions_and_keras_schedules_are_saved():
    decay = keras.optimizers.schedules.ExponentialDecay(1.0, decay_steps=2, decay_rate=0.5)
    config = keras.saving.serialize_keras_object(Schedule({"a": decay, "b": ramp}))
    weighting = keras.saving.deserialize_keras_object(config)
    assert weighting.schedules["b"] is ramp
    assert float(weighting.schedules["a"](2)) == 0.5


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"unknown task 'x'. The model's tasks: a, b"):
        built({"x": ramp})
    with pytest.raises(ValueError, match=r"`schedules\['a'\]` must be a function of the epoch. Received: .*=0.5"):
        Schedule({"a": 0.5})
