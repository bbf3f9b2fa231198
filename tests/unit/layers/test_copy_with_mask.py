"""The mask of what attention reads."""

import keras
import numpy as np

from mtl_keras import layers
from tests.unit.layers._sequences import MASK


def test_the_original_keeps_the_mask_that_attention_takes():
    words = keras.layers.Embedding(9, 4, mask_zero=True)(np.array([[3, 8, 0]]))
    for read, left in ((layers.CopyWithMask()(words), True), (words, False)):
        np.testing.assert_array_equal(read._keras_mask, MASK)
        keras.layers.MultiHeadAttention(2, 2)(read, read)
        assert (getattr(words, "_keras_mask", None) is not None) == left
