"""A strategy with one device, such as `MirroredStrategy()` on a machine with one GPU, trains as no strategy does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers import toy

pytestmark = [pytest.mark.graph, pytest.mark.slow]

CASES = [
    {"weighting": "cagrad", "optimizer": "adam"},
    {},
    {"weighting": "uncertainty"},
    {"weighting": "famo"},  # reads the losses after the step
    {"weighting": "nash_mtl", "every": 2},
    {"weighting": "pcgrad", "level": "features"},
    {"weighting": "mgda", "nonfinite": "raise"},
    {"weighting": "sdmgrad"},  # parts of a batch
    {"weighting": "cagrad", "policy": "mixed_float16"},
    {"policy": "mixed_float16"},
    {"weighting": "cagrad", "clipnorm": 0.1},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_no_strategy(case):
    start, plain = _trained(tf.distribute.get_strategy(), **case)
    _, one = _trained(tf.distribute.MirroredStrategy(["CPU:0"]), **case)
    assert max(np.abs(a - b).max() for a, b in zip(start, plain, strict=True)) > 1e-3
    for a, b in zip(plain, one, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_step_that_is_not_finite_is_skipped():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = toy.model(weighting="cagrad", optimizer="adam")
    before = model.get_weights()
    x, y = toy.arrays(rows=8)
    history = model.fit(x, {**y, "ink": np.full(8, 1e38, "float32")}, verbose=0).history
    assert history["skipped_steps"] == [1]
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def _trained(strategy, policy="float32", clipnorm=None, **arguments):
    """Returns the weights before and after three epochs of four steps, with dropout and two callbacks."""
    keras.utils.set_random_seed(3)
    keras.config.set_dtype_policy(policy)
    if clipnorm:
        arguments["optimizer"] = keras.optimizers.SGD(0.1, clipnorm=clipnorm)
    tower = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(8), keras.layers.Dropout(0.3)])
    try:
        with strategy.scope():
            model = toy.model(tower=tower, **arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    start, callbacks = model.get_weights(), []
    if "weighting" in arguments:
        callbacks = [mtl.callbacks.LogTaskWeights(), mtl.callbacks.GradientConflict(every=2)]
    data = mtl.data.from_arrays(*toy.arrays(), batch_size=5)
    model.fit(data, epochs=3, verbose=0, callbacks=callbacks, validation_data=data)
    return start, model.get_weights()
