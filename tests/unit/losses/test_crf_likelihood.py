"""The likelihood of tags against the enumeration of all paths, with start, end and missing labels."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.layers import CRF
from mtl_keras.losses import CRFLikelihood

TAGS, LENGTH = 3, 4
MASK = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0]], bool)
LABELS = np.array([[0, 2, 1, 1], [2, -1, 0, -1], [1, -1, -1, -1], [-1, -1, -1, -1]])


@pytest.fixture
def chain():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape).astype("float32") for shape in ((TAGS, TAGS), (TAGS,), (TAGS,))]
    layer = CRF()
    layer.build((None, LENGTH, TAGS))
    layer.set_weights(weights)
    return layer, rng.normal(size=(4, LENGTH, TAGS)).astype("float32"), weights


def brute_force(emissions, weights, labels, mask):
    """Returns -log of the share of the paths that have the labels that are there."""
    transitions, start, end = (np.float64(weight) for weight in weights)
    length = mask.sum()
    total = given = 0.0
    for path in itertools.product(range(TAGS), repeat=length):
        score = start[path[0]] + end[path[-1]] + sum(emissions[t, k] for t, k in enumerate(path))
        score += sum(transitions[j, k] for j, k in itertools.pairwise(path))
        total += np.exp(score)
        given += np.exp(score) * all(y in (-1, k) for y, k in zip(labels, path, strict=False))
    return np.log(total) - np.log(given)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.graph
def test_equals_enumeration(chain, jit_compile):
    layer, emissions, weights = chain
    expected = [brute_force(e, weights, y, m) for e, y, m in zip(emissions, LABELS, MASK, strict=True)]

    @tf.function(autograph=False, jit_compile=jit_compile)
    def entries(emissions):
        return CRFLikelihood(reduction="none")(LABELS, layer(emissions, mask=tf.constant(MASK)))

    values = entries(tf.constant(emissions)).numpy()
    np.testing.assert_allclose(values.sum(axis=1), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(values != 0, LABELS >= 0)
    assert expected[3] == 0


def test_gradients_are_those_of_the_enumeration(chain):
    """By central differences in float64 numpy."""
    layer, emissions, weights = chain
    with tf.GradientTape() as tape:
        value = CRFLikelihood(reduction="sum")(LABELS, layer(tf.constant(emissions), mask=tf.constant(MASK)))
    gradients = tape.gradient(value, [v.value for v in layer.trainable_variables])
    for i, gradient in enumerate(gradients):
        for index in np.ndindex(*weights[i].shape):
            sides = []
            for step in (1e-4, -1e-4):
                moved = [np.float64(weight).copy() for weight in weights]
                moved[i][index] += step
                sides.append(sum(brute_force(e, moved, y, m) for e, y, m in zip(emissions, LABELS, MASK, strict=True)))
            assert float(gradient[index]) == pytest.approx((sides[0] - sides[1]) / 2e-4, abs=1e-4)


def test_weights(chain):
    layer, emissions, _ = chain
    potentials = layer(emissions, mask=keras.ops.convert_to_tensor(MASK))
    entries = CRFLikelihood(reduction="none")(LABELS, potentials).numpy()
    loss = CRFLikelihood(reduction="sum")
    rows = np.array([1.0, 0.0, 2.0, 1.0])
    for weight in (rows, rows[:, None]):
        assert float(loss(LABELS, potentials, weight)) == pytest.approx((entries.sum(axis=1) * rows).sum(), rel=1e-5)
    there = (LABELS >= 0).astype("float32")
    zeros = np.maximum(LABELS, 0)  # what `mask_missing` makes of missing labels
    assert float(loss(zeros, potentials, there)) == pytest.approx(entries.sum(), rel=1e-5)
    mean = CRFLikelihood(reduction="mean_with_sample_weight")(zeros, potentials, there)
    assert float(mean) == pytest.approx(entries.sum() / 7, rel=1e-5)


def test_equals_softmax_without_transitions(chain):
    layer, emissions, _ = chain
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    labels = np.maximum(LABELS, 0)
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, emissions)
    assert float(CRFLikelihood()(labels, layer(emissions))) == pytest.approx(float(expected), rel=1e-5)


def test_labels_of_another_shape(chain):
    layer, emissions, _ = chain
    with pytest.raises(
        ValueError, match=r"`y_true` must be of shape \(None, 4\), one tag per token. Received: \(4, 3\)"
    ):
        CRFLikelihood()(LABELS[:, :3], layer(emissions))


def test_config_round_trip():
    loss = CRFLikelihood(reduction="sum", name="own")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is CRFLikelihood
    assert copy.get_config() == loss.get_config()
