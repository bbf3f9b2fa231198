"""Two replicas of `MirroredStrategy` train what one replica trains on the whole batch.

By default with one weighting for each way in which a step uses the replicas; with the environment variable
`WHOLE_MATRIX=1` with every weighting.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from mtl_keras import _registry

CASES = [  # one for each way in which a step uses the replicas
    {"missing": True},
    {"weighting": "cagrad", "missing": True},
    {"weighting": "mgda", "level": "features"},
    {"weighting": "famo", "missing": True},
    {"weighting": "trimmed_mean"},
    {"weighting": "modo"},
    {"weighting": "uncertainty", "observed": True, "missing": True},
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
    """All in one process with two logical devices, which must be set before TensorFlow starts."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.replicas", json.dumps(CASES)],
        cwd=pathlib.Path(__file__).parents[2],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.split("RESULTS ")[1])
    assert len(results) == len(CASES)
    for case, (difference, update, losses) in results.items():
        assert update > 0.02, case
        assert difference < 1e-5, case
        assert losses < 1e-5, case
