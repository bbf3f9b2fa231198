"""Two replicas of `MirroredStrategy` train what one replica trains on the whole batch.

By default with one weighting for each way in which a step uses the replicas; with the environment variable
`WHOLE_MATRIX=1` with every weighting.
"""

import json
import os

import pytest

from mtl_keras import _registry
from tests.helpers.programs import results_of

pytestmark = pytest.mark.graph


def _sgd(**clipping):
    return {"class_name": "SGD", "config": {"learning_rate": 1.0, **clipping}}


CASES = [  # one for each way in which a step uses the replicas
    {"missing": True},
    {"weighting": "cagrad", "missing": True},
    {"weighting": "mgda", "level": "features"},
    {"weighting": "cagrad", "chunk_size": 2, "missing": True},
    {"weighting": "modo", "chunk_size": 1},
    {"weighting": "famo", "missing": True},
    {"weighting": "trimmed_mean"},
    {"weighting": "modo"},
    {"weighting": "uncertainty", "observed": 1, "missing": True},
    {"weighting": "cagrad", "every": 3, "observed": 2, "missing": True},
    {"weighting": "mgda", "every": 2, "level": "features", "steps": 2},
    {"optimizer": _sgd(clipnorm=0.05), "missing": True},
    {"optimizer": _sgd(clipnorm=0.05), "tags": "softmax", "weighted": False},  # of sparse gradients as well
    {"weighting": "uncertainty", "optimizer": _sgd(clipvalue=0.01)},
    {"weighting": "cagrad", "optimizer": _sgd(global_clipnorm=0.1), "scale": 1024.0},
    {"scale": 1e34, "huge": True},
    {"rows": 11, "weighted": False},  # the last batch has 2 rows on one replica and 1 on the other
    {"rows": 11, "weighting": "famo", "missing": True},
    {"rows": 9, "weighting": "cagrad", "weighted": False},  # none on the other
    {"rows": 9, "tags": "crf", "weighted": False},
    {"rows": 11, "tags": "softmax", "weighting": "uncertainty", "weighted": False},
]
if os.environ.get("WHOLE_MATRIX"):
    every = [{"weighting": name, "missing": True} for name in _registry.names("weightings")]
    CASES += [case for case in every if case not in CASES]


@pytest.mark.slow
def test_two_replicas_equal_one():
    results = results_of("tests.integration.replicas", json.dumps(CASES))
    assert len(results) == len(CASES)
    for case, (difference, update, losses) in results.items():
        assert update > 0.02, case
        assert difference < 1e-5, case
        assert losses < 1e-5, case


@pytest.mark.slow
def test_what_replicas_cannot_do_is_an_error_of_compile():
    errors = results_of("tests.integration.refused_by_replicas")
    assert "must be None" in errors["gradient_accumulation_steps"]
    assert "Use larger batches, or more replicas" in errors["gradient_accumulation_steps"]
    assert "`ema_overwrite_frequency` must be None" in errors["ema_overwrite_frequency"]
    assert "mtl_keras.optimizers.by_part" in errors["clipping of a MultiOptimizer"]
    assert '`jit_compile` must be False or "auto"' in errors["jit_compile"]
    assert "cross_device_ops=tf.distribute.ReductionToOneDevice()" in errors["steps_per_execution"]
    assert all("under a tf.distribute strategy with 2 replicas" in error for error in errors.values())
