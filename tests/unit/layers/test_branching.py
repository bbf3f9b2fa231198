"""The choice between branches."""

import keras
import numpy as np
import pytest

from mtl_keras import layers


def test_the_largest_logit_is_chosen():
    layer = layers.Branching()
    inputs = [np.full((2, 3), value, "float32") for value in (1.0, 2.0, 4.0)]
    layer(inputs)
    layer.logits.assign([0.0, 1.0, 0.5])
    np.testing.assert_array_equal(layer(inputs), inputs[1])
    assert layer.chosen() == 1
    expected = np.exp([0.0, 1.0, 0.5]) / np.exp([0.0, 1.0, 0.5]).sum()
    shown = layer.inspect(None)["branch"][layer.name]
    np.testing.assert_allclose(list(shown.values()), expected, rtol=1e-6)


def test_samples_have_the_probabilities_of_the_logits():
    """At a low temperature a sample is one-hot, k with the probability softmax(logits)_k."""
    layer = layers.Branching(temperature=1e-3, min_temperature=1e-3, seed=0)
    inputs = [np.eye(2, dtype="float32")[k : k + 1] for k in range(2)]
    layer(inputs)
    layer.logits.assign([np.log(3.0), 0.0])
    samples = np.concatenate([layer(inputs, training=True) for _ in range(400)])
    assert (np.isclose(samples, 0, atol=1e-3) | np.isclose(samples, 1, atol=1e-3)).mean() > 0.98
    assert samples[:, 0].mean() == pytest.approx(0.75, abs=0.065)  # three standard deviations


def test_the_temperature_falls_in_training_alone():
    layer = layers.Branching(temperature=4.0, min_temperature=1.0, anneal_steps=2)
    inputs = [np.ones((1, 2)), np.ones((1, 2))]
    for training, step in ((False, 0), (True, 1), (False, 1), (True, 2), (True, 2)):
        layer(inputs, training=training)
        assert float(layer.step) == step


def test_a_saved_layer_goes_on_with_the_same_samples(tmp_path):
    inputs = [keras.Input((2,)), keras.Input((2,))]
    model = keras.Model(inputs, layers.Branching(seed=3, anneal_steps=5)(inputs))
    x = [np.zeros((1, 2)), np.ones((1, 2))]
    for _ in range(3):
        model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for _ in range(3):
        np.testing.assert_array_equal(loaded(x, training=True), model(x, training=True))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"temperature": 0.0}, r"`temperature` must be a finite number above 0\. Received"),
        ({"min_temperature": -1.0}, r"`min_temperature` must be a finite number above 0\. Received"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"anneal_steps": 0}, "`anneal_steps` must be an integer of at least 1"),
    ],
)
def test_arguments_out_of_range(arguments, error):
    with pytest.raises(ValueError, match=error):
        layers.Branching(**arguments)
