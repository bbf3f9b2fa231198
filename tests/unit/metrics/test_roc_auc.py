"""The area under the ROC curve against scikit-learn's, which sorts."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from mtl_keras.metrics import ROCAUC


def scores(rate, spread, rows=20_000, seed=0):
    """Returns labels of which a share `rate` is 1, and probabilities about it whose logits have a spread."""
    rng = np.random.default_rng(seed)
    labels = (rng.uniform(size=rows) < rate).astype("float32")
    labels[:3] = 1.0
    logits = np.log(rate / (1 - rate)) + spread * (rng.normal(size=rows) + labels)
    return labels, (1 / (1 + np.exp(-logits))).astype("float32")


@pytest.mark.parametrize("rate", [0.0004, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
def test_equals_scikit_learn(rate, spread):
    labels, p = scores(rate, spread)
    metric = ROCAUC()
    for rows in np.array_split(np.arange(len(p)), 7):
        metric.update_state(labels[rows], p[rows])
    assert float(metric.result()) == pytest.approx(roc_auc_score(labels, p), abs=1e-4)


def test_weights_missing_labels_and_ties():
    labels, p = scores(0.3, 1.0, rows=500)
    p = np.round(p, 2)
    weights = np.random.default_rng(1).choice([0.0, 1.0, 2.5], 500)
    expected = roc_auc_score(labels, p, sample_weight=weights)
    for shape in ((500,), (500, 1)):
        value = ROCAUC()(labels, p[:, None], sample_weight=weights.reshape(shape))
        assert float(value) == pytest.approx(expected, abs=1e-5)


def test_the_mean_over_columns_leaves_out_those_of_one_kind():
    rng = np.random.default_rng(0)
    labels, p = rng.integers(0, 2, (300, 3)).astype("float32"), rng.uniform(size=(300, 3)).astype("float32")
    labels[:, 1] = 0.0
    there = rng.integers(0, 2, (300, 3)).astype("float32")
    expected = np.mean([roc_auc_score(labels[:, k], p[:, k], sample_weight=there[:, k]) for k in (0, 2)])
    assert float(ROCAUC(3)(labels, p, sample_weight=there)) == pytest.approx(expected, abs=1e-4)
    pooled = roc_auc_score(labels.ravel(), p.ravel(), sample_weight=there.ravel())
    assert float(ROCAUC()(labels, p, sample_weight=there)) == pytest.approx(pooled, abs=1e-4)


def test_the_ends():
    assert float(ROCAUC()([0, 1], [0.0, 1.0])) == 1.0
    assert float(ROCAUC()([1, 0], [0.0, 1.0])) == 0.0
    assert float(ROCAUC()([1, 0], [0.0, 0.0])) == 0.5
    for labels in ([0, 0], [1, 1]):
        assert np.isnan(ROCAUC()(labels, [0.2, 0.7]))
    assert np.isnan(ROCAUC().result())


@pytest.mark.graph
@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_a_graph(jit_compile):
    labels, p = scores(0.1, 1.0, rows=400)
    metric = ROCAUC()
    tf.function(metric.update_state, jit_compile=jit_compile, autograph=False)(labels, p)
    assert float(metric.result()) == pytest.approx(roc_auc_score(labels, p), abs=1e-4)


def test_config_round_trip_and_errors():
    metric = ROCAUC(2, num_bins=100, name="own")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert copy.get_config() == metric.get_config()
    with pytest.raises(ValueError, match="2 entries in its last axis"):
        metric.update_state(np.zeros((4, 3)), np.zeros((4, 3)))
    for arguments in ({"num_bins": 1}, {"num_labels": 0}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            ROCAUC(**arguments)
