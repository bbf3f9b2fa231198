"""An embedding that never reads its table as a whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import layers
from tests.helpers import graphs

IDS = np.array([[0, 3], [3, 8]])


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_equals_that_of_keras(policy):
    ours, theirs = (cls(9, 4, mask_zero=True, dtype=policy) for cls in (layers.LargeEmbedding, keras.layers.Embedding))
    expected = theirs(IDS)
    ours.build(IDS.shape)
    ours.set_weights(theirs.get_weights())
    assert ours(IDS).dtype == expected.dtype
    np.testing.assert_array_equal(ours(IDS), expected)
    np.testing.assert_array_equal(ours(IDS.astype("float32")), expected)
    np.testing.assert_array_equal(ours.compute_mask(IDS), theirs.compute_mask(IDS))


def test_lora():
    layer = layers.LargeEmbedding(9, 4)
    expected = np.array(layer(IDS))
    layer.enable_lora(2)
    np.testing.assert_allclose(layer(IDS), expected, atol=1e-6)  # what is added starts at 0


@pytest.mark.graph
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("cls", "whole"), [(layers.LargeEmbedding, False), (keras.layers.Embedding, True)], ids=["ours", "of Keras"]
)
def test_the_table_is_read_by_rows(cls, whole, policy):
    """If that of Keras is so one day, ours is not needed any more."""
    layer = cls(3001, 4, dtype=policy)
    outer = keras.Sequential([layer, keras.layers.Dense(3, dtype=policy)])
    outer(IDS)
    assert (3001 in graphs.lengths(graphs.nodes(outer, tf.constant(IDS)))) is whole
