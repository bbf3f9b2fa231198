"""MixExperts and StackExperts."""

import keras
import numpy as np
import pytest

from mtl_keras.layers import MixExperts, StackExperts


def test_several_stacks_are_one():
    rng = np.random.default_rng(0)
    gate, experts = rng.uniform(size=(2, 5)), rng.normal(size=(2, 5, 3, 4))
    parted = MixExperts()([gate, experts[:, :2], experts[:, 2:3], experts[:, 3:]])
    np.testing.assert_allclose(parted, np.einsum("be,bexy->bxy", gate, experts), atol=1e-6)


def test_as_many_weights_as_experts():
    with pytest.raises(
        ValueError, match=r"`inputs` must hold one expert per weight. Received: 3 experts and 4 weights"
    ):
        MixExperts()([np.ones((2, 4)), np.ones((2, 3, 5))])


def test_the_mask_of_sequences_goes_through():
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 3, mask_zero=True)(ids)
    stack = StackExperts()([keras.layers.LSTM(2, return_sequences=True)(x) for _ in range(2)])
    gate = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling1D()(x))
    mixed = MixExperts()([gate, stack])
    model = keras.Model(ids, keras.layers.GlobalAveragePooling1D()(mixed))
    np.testing.assert_allclose(model(np.array([[1, 2, 0, 0]])), model(np.array([[1, 2, 0, 0]])[:, :3]), atol=1e-6)
    output = keras.Model(ids, mixed)(np.array([[1, 2, 0, 0]]))
    np.testing.assert_allclose(model(np.array([[1, 2, 0, 0]]))[0], output[0, :2].numpy().mean(axis=0), atol=1e-6)
