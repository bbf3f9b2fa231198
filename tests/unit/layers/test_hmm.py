"""The hybrid hidden Markov model against counts by hand and the enumeration of all paths, in float64 numpy."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.layers import CRF, HMM, DecodeCRF
from mtl_keras.losses import CRFLikelihood

TAGS, LENGTH = 3, 4
MASK = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0], [0, 1, 1, 0]], bool)
LABELS = np.array([[0, 2, 1, 1], [2, -1, 0, -1], [1, -1, -1, -1], [-1, 2, 0, -1]])


def normalised(array):
    return np.exp(array) / np.exp(array).sum(axis=-1, keepdims=True)


@pytest.fixture
def chain():
    """The layer, scores of tags, and the probabilities (transitions, start, prior)."""
    rng = np.random.default_rng(0)
    layer = HMM()
    layer.build((None, LENGTH, TAGS))
    weights = [rng.normal(size=shape) for shape in ((TAGS, TAGS), (TAGS,), (TAGS,))]
    layer.set_weights(weights)
    return layer, 2 * rng.normal(size=(4, LENGTH, TAGS)), [normalised(weight) for weight in weights]


def paths(scores, mask, transitions, start, prior):
    """Returns all paths of a chain, and p(path) · Π_t p(tag|token) / p(tag) of each."""
    positions, posterior = np.flatnonzero(mask), normalised(scores)
    found = list(itertools.product(range(TAGS), repeat=len(positions)))
    weights = []
    for path in found:
        weight = start[path[0]] * np.prod([transitions[j, k] for j, k in itertools.pairwise(path)])
        weights.append(weight * np.prod([posterior[t, k] / prior[k] for t, k in zip(positions, path, strict=True)]))
    return positions, found, np.array(weights)


def compatible(path, labels):
    return all(y in (-1, k) for y, k in zip(labels, path, strict=True))


def test_tags_and_probabilities_equal_the_enumeration(chain):
    layer, scores, probabilities = chain
    potentials = layer(tf.constant(scores, "float32"), mask=tf.constant(MASK))
    tags, marginals = DecodeCRF()(potentials).numpy(), DecodeCRF("probabilities")(potentials).numpy()
    for b in range(4):
        positions, found, weights = paths(scores[b], MASK[b], *probabilities)
        assert tuple(tags[b][positions]) == found[np.argmax(weights)]
        for i, t in enumerate(positions):
            expected = [sum(w for path, w in zip(found, weights, strict=True) if path[i] == k) for k in range(TAGS)]
            np.testing.assert_allclose(marginals[b, t], np.array(expected) / weights.sum(), atol=1e-5)


@pytest.mark.parametrize("likelihood", ["conditional", "joint"])
def test_likelihood_equals_the_enumeration(chain, likelihood):
    layer, scores, probabilities = chain
    potentials = layer(tf.constant(scores, "float32"), mask=tf.constant(MASK))
    values = CRFLikelihood(likelihood, reduction="none")(LABELS, potentials).numpy().sum(axis=1)
    for b in range(4):
        positions, found, weights = paths(scores[b], MASK[b], *probabilities)
        fits = [compatible(path, LABELS[b][positions]) for path in found]
        expected = -np.log(weights[fits].sum()) + (np.log(weights.sum()) if likelihood == "conditional" else 0)
        assert values[b] == pytest.approx(expected, rel=1e-4)


def test_agrees_with_a_crf_of_the_same_potentials(chain):
    layer, scores, (transitions, start, prior) = chain
    scores, mask = tf.constant(scores, "float32"), tf.constant(MASK)
    other = CRF()
    other.build((None, LENGTH, TAGS))
    other.set_weights([np.log(transitions), np.log(start), np.zeros(TAGS)])
    pair = layer(scores, mask=mask), other(tf.nn.log_softmax(scores) - np.log(prior).astype("float32"), mask=mask)
    ours, theirs = (CRFLikelihood(reduction="none")(LABELS, potentials) for potentials in pair)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(*(DecodeCRF()(potentials) for potentials in pair))
    np.testing.assert_allclose(*(DecodeCRF("probabilities")(potentials) for potentials in pair), atol=1e-5)


def test_counts_by_hand():
    layer = HMM()
    layer.build((None, None, 2))
    layer.count([np.array([[0, 0, 1, -1], [-1, 1, 1, 0]]), np.array([[0, -1, 1]])], smoothing=0.5)
    transitions, start, prior = (normalised(weight) for weight in layer.get_weights())
    np.testing.assert_allclose(transitions, [[1.5 / 3, 1.5 / 3], [1.5 / 3, 1.5 / 3]], rtol=1e-6)
    np.testing.assert_allclose(start, [2.5 / 4, 1.5 / 4], rtol=1e-6)
    np.testing.assert_allclose(prior, [4.5 / 9, 4.5 / 9], rtol=1e-6)
    layer.count(np.array([[0, 0, 0, 1]]), smoothing=1e-9)
    transitions, start, prior = (normalised(weight) for weight in layer.get_weights())
    np.testing.assert_allclose(transitions, [[2 / 3, 1 / 3], [1 / 2, 1 / 2]], rtol=1e-5)
    np.testing.assert_allclose(start, [1, 0], atol=1e-6)
    np.testing.assert_allclose(prior, [3 / 4, 1 / 4], rtol=1e-6)


def test_the_joint_likelihood_learns_by_cross_entropy_and_by_counting(chain):
    """Its gradient is that of the softmax for the scores, and is 0 at the counts for the chain."""
    layer, scores, _ = chain
    labels, scores = np.array([[0, 2, 1, 1], [2, 2, 1, 0], [0, 1, 1, 0], [2, 1, 0, 0]]), tf.constant(scores, "float32")
    layer.count(labels, smoothing=1e-9)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = CRFLikelihood("joint", reduction="sum")(labels, layer(scores))
    gradients = tape.gradient(value, [scores, layer.start.value, layer.transitions.value])
    np.testing.assert_allclose(gradients[0], normalised(scores.numpy()) - np.eye(TAGS)[labels], atol=1e-5)
    for gradient in gradients[1:]:
        np.testing.assert_allclose(gradient, 0.0, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"labels": np.array([[0, 3]])}, r"`labels` must be tags \[N, L\] from 0 to 2.*values from 0 to 3"),
        ({"labels": np.array([0, 1])}, r"Received: shape \(2,\)"),
        ({"labels": [np.array([[0]]), np.array([[-2]])]}, "values from -2 to 0"),
        (
            {"labels": np.array([[0]]), "smoothing": 0},
            "`smoothing` must be a finite number above 0. Received: smoothing=0",
        ),
    ],
)
def test_what_cannot_be_counted(chain, arguments, error):
    with pytest.raises(ValueError, match=error):
        chain[0].count(**arguments)


def test_counting_needs_the_number_of_tags():
    with pytest.raises(ValueError, match="`count` needs the number of tags"):
        HMM().count(np.array([[0]]))


def test_likelihood_of_another_name():
    with pytest.raises(
        ValueError, match=r"`likelihood` must be one of 'conditional', 'joint'. Received: likelihood='m"
    ):
        CRFLikelihood("marginal")
    copy = keras.losses.deserialize(keras.losses.serialize(CRFLikelihood("joint")))
    assert copy.likelihood == "joint"
