"""Experts along an axis of their own."""

import keras
import numpy as np

from mtl_keras import layers


def test_each_expert_is_a_slice():
    experts = [np.full((2, 3, 4), value) for value in (1.0, 5.0, 7.0)]
    stack = layers.StackExperts()(experts)
    assert stack.shape == (2, 3, 3, 4)
    for e, expert in enumerate(experts):
        np.testing.assert_array_equal(stack[:, e], expert)


def test_the_mask_is_that_of_the_experts():
    words = keras.layers.Embedding(9, 4, mask_zero=True)(np.array([[3, 8, 0]]))
    stack = layers.StackExperts()([words, words])
    np.testing.assert_array_equal(stack._keras_mask, [[True, True, False]])
