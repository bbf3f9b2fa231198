"""Chains of tags against the enumeration of all paths, in float64 numpy."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.linalg import crf
from mtl_keras.losses import CRFLikelihood
from tests.helpers.marks import first_fast

pytestmark = pytest.mark.graph

TAGS = 3
MASKS = {  # of three chains
    "length_1": [[1], [1], [1]],
    "length_2": [[1, 1], [1, 0], [0, 1]],
    "length_3": [[1, 1, 1], [1, 1, 0], [1, 0, 0]],
    "with_holes": [[0, 1, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]],
    "one_of_none": [[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]],
}
JIT = pytest.mark.parametrize("jit_compile", [None, False, True], ids=["eager", "graph", "xla"])


@pytest.fixture(params=MASKS)
def case(request):
    mask = np.array(MASKS[request.param], bool)
    rng = np.random.default_rng(0)
    return 2 * rng.normal(size=(*mask.shape, TAGS)), 2 * rng.normal(size=(TAGS, TAGS)), mask


def enumerated(emissions, transitions, mask):
    """Returns of one chain all paths through its positions, and their scores."""
    positions = np.flatnonzero(mask)
    paths = list(itertools.product(range(TAGS), repeat=len(positions)))
    scores = [
        sum(emissions[t, k] for t, k in zip(positions, path, strict=True))
        + sum(transitions[j, k] for j, k in itertools.pairwise(path))
        for path in paths
    ]
    return positions, paths, np.array(scores)


def brute_force(emissions, transitions, mask):
    """Returns of each chain the log-partition, and the probability and the transitions of its paths."""
    logs, single, pairs, best = [], np.zeros(emissions.shape), [], np.zeros(mask.shape, int)
    for b in range(len(mask)):
        positions, paths, scores = enumerated(emissions[b], transitions, mask[b])
        logs.append(np.log(np.exp(scores).sum()))
        pairs.append(np.zeros((TAGS, TAGS)))
        for path, p in zip(paths, np.exp(scores - logs[-1]), strict=True):
            single[b, positions, path] += p
            for j, k in itertools.pairwise(path):
                pairs[b][j, k] += p
        best[b, positions] = paths[np.argmax(scores)]
    return np.array(logs), single, np.array(pairs), best


def run(function, jit_compile):
    return function if jit_compile is None else tf.function(function, autograph=False, jit_compile=jit_compile)


def tensors(emissions, transitions, mask):
    return tf.constant(emissions, "float32"), tf.constant(transitions, "float32"), tf.constant(mask)


@pytest.mark.parametrize(
    ("case", "jit_compile"),
    [
        *((name, None) for name in MASKS),
        *((name, jit) for name in ("with_holes", "one_of_none") for jit in (False, True)),
    ],
    indirect=["case"],
)
def test_equals_enumeration(case, jit_compile):
    weights = tf.constant([1.0, -2.0, 0.5])

    def everything(emissions, transitions, mask):
        with tf.GradientTape() as tape:
            tape.watch([emissions, transitions])
            logs = crf.log_partition(emissions, transitions, mask)
            total = tf.reduce_sum(logs * weights)
        gradients = tape.gradient(total, [emissions, transitions])
        marginals = crf.marginals(emissions, transitions, mask)
        return logs, marginals, *gradients, crf.viterbi(emissions, transitions, mask)

    logs, marginals, by_emissions, by_transitions, path = run(everything, jit_compile)(*tensors(*case))
    expected, single, pairs, best = brute_force(*case)
    factors = weights.numpy()[:, None, None]
    np.testing.assert_allclose(logs, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(marginals, single, atol=1e-5)
    np.testing.assert_allclose(by_emissions, factors * single, atol=1e-5)
    np.testing.assert_allclose(by_transitions, (factors * pairs).sum(axis=0), atol=1e-5)
    np.testing.assert_array_equal(path, best)
    assert path.dtype == "int32"


@pytest.mark.parametrize(("jit_compile", "scale"), first_fast([(False, 20.0), (True, 1.0)]))
def test_long_chains_of_many_tags_are_finite(jit_compile, scale):
    rng = np.random.default_rng(0)
    emissions = tf.constant(scale * rng.normal(size=(2, 512, 128)), "float32")
    transitions = tf.constant(rng.normal(size=(128, 128)), "float32")
    mask = tf.constant(np.arange(512) < np.array([[512], [300]]))

    def gradients():
        with tf.GradientTape() as tape:
            tape.watch([emissions, transitions])
            logs = crf.log_partition(emissions, transitions, mask)
        return logs, *tape.gradient(logs, [emissions, transitions]), crf.viterbi(emissions, transitions, mask)

    logs, by_emissions, by_transitions, path = run(gradients, jit_compile)()
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(by_emissions.numpy().sum(axis=-1), np.asarray(mask, float), atol=1e-4)
    np.testing.assert_allclose(by_transitions.numpy().sum(), 511 + 299, rtol=1e-4)
    scores = tf.reduce_sum(tf.gather(emissions, path, batch_dims=2)[..., None][:, :, 0] * tf.cast(mask, "float32"), 1)
    for b, length in enumerate((512, 300)):
        along = sum(float(transitions[j, k]) for j, k in itertools.pairwise(path.numpy()[b, :length]))
        assert float(scores[b]) + along <= float(logs[b]) + 1e-3 * abs(float(logs[b]))


def test_length_that_is_known_late(case):
    emissions, transitions, mask = tensors(*case)
    spec = [tf.TensorSpec([None, None, TAGS]), tf.TensorSpec([TAGS, TAGS]), tf.TensorSpec([None, None], tf.bool)]
    traced = tf.function(crf.log_partition, spec, autograph=False)
    np.testing.assert_allclose(traced(emissions, transitions, mask), brute_force(*case)[0], rtol=1e-5, atol=1e-6)


def test_packs_and_unpacks(case):
    emissions, transitions, mask = tensors(*case)
    potentials = crf.pack(emissions, transitions, mask)
    assert potentials.shape == (3, mask.shape[1] + TAGS, TAGS)
    back = crf.unpack(potentials)
    np.testing.assert_array_equal(back[0], np.where(mask[..., None], emissions, 0))
    np.testing.assert_array_equal(back[1], transitions)
    np.testing.assert_array_equal(back[2], mask)
    assert keras.ops.all(crf.unpack(crf.pack(emissions, transitions))[2])


@JIT
def test_a_transition_far_below_the_others_is_cut_nowhere(jit_compile):
    """-log p(0, 0) with the scores [[a, 0], [0, 0]] is log(e^a + 3) - a, and its derivative by a is p - 1."""

    def loss(a):
        with tf.GradientTape() as tape:
            tape.watch(a)
            transitions = tf.scatter_nd([[0, 0]], a[None], [2, 2])
            potentials = crf.pack(tf.zeros([1, 2, 2]), transitions)
            value = CRFLikelihood(reduction="sum")(tf.zeros([1, 2], tf.int32), potentials)
        return value, tape.gradient(value, a)

    function = run(loss, jit_compile)
    for a in (0.0, -50.0, -80.0, -86.0, -100.0, -1000.0, 30.0, 100.0):
        value, slope = function(tf.constant(a))
        expected = np.logaddexp(a, np.log(3.0)) - a
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(slope, np.expm1(-expected), atol=1e-5)


@pytest.mark.parametrize("jit_compile", first_fast([None, False, True], 2), ids=["eager", "graph", "xla"])
def test_transitions_far_apart_equal_enumeration(jit_compile):
    mask = np.array(MASKS["with_holes"] + MASKS["one_of_none"], bool)
    rng = np.random.default_rng(1)
    emissions, transitions = 2 * rng.normal(size=(6, 4, TAGS)), 100 * rng.normal(size=(TAGS, TAGS))
    weights = tf.constant([1.0, -2.0, 0.5, 1.0, 1.0, 3.0])

    def everything(emissions, transitions, mask):
        with tf.GradientTape() as tape:
            tape.watch([emissions, transitions])
            logs = crf.log_partition(emissions, transitions, mask)
            total = tf.reduce_sum(logs * weights)
        return logs, *tape.gradient(total, [emissions, transitions])

    logs, by_emissions, by_transitions = run(everything, jit_compile)(*tensors(emissions, transitions, mask))
    expected, single, pairs, _ = brute_force(emissions, transitions, mask)
    factors = weights.numpy()[:, None, None]
    np.testing.assert_allclose(logs, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(by_emissions, factors * single, atol=1e-4)
    np.testing.assert_allclose(by_transitions, (factors * pairs).sum(axis=0), atol=1e-4)


@pytest.mark.parametrize("jit_compile", first_fast([None, False, True], 2), ids=["eager", "graph", "xla"])
def test_nan_is_no_mask(jit_compile):
    """What is not a number in a chain is one of its loss, wherever it stands; that of other chains is untouched."""
    rng = np.random.default_rng(0)
    emissions, transitions = rng.normal(size=(7, 3, TAGS)), rng.normal(size=(TAGS, TAGS))
    mask = np.ones((7, 3), bool)
    mask[:, 2] = False
    emissions[1, 0] = emissions[2, 1, 0] = emissions[3, 1, 2] = emissions[4] = np.nan
    emissions[5, 2] = np.nan  # outside the chain
    emissions[6, 0, 0] = -np.inf  # a tag that cannot be

    def losses(emissions, transitions, mask):
        with tf.GradientTape() as tape:
            tape.watch(emissions)
            loss = CRFLikelihood(reduction=None)(tf.ones([7, 3], tf.int32), crf.pack(emissions, transitions, mask))
        return tf.reduce_sum(loss, axis=1), tape.gradient(loss, emissions)

    losses, slopes = (np.array(x) for x in run(losses, jit_compile)(*tensors(emissions, transitions, mask)))
    wrong = [False, True, True, True, True, False, False]
    np.testing.assert_array_equal(np.isnan(losses), wrong)
    np.testing.assert_array_equal(np.isnan(slopes).any(axis=(1, 2)), wrong)
    emissions[6, 0, 0] = -1e4
    logs = brute_force(emissions[[0, 5, 6]], transitions, mask[[0, 5, 6]])[0]
    scores = emissions[[0, 5, 6], :2, 1].sum(axis=1) + transitions[1, 1]
    np.testing.assert_allclose(losses[[0, 5, 6]], logs - scores, rtol=1e-5)
