"""Several workers, as processes of this machine, with real connections."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from mtl_keras import _registry
from tests.helpers.workers import run_workers
from tests.integration import rows_of_a_worker

CASES = [  # one for each way in which a step uses the replicas
    {},
    {"weighting": "cagrad"},
    {"weighting": "uncertainty", "rows": 19},  # the last batch has 2 rows on one worker and 1 on the other
    {"weighting": "mgda", "level": "features"},
    {"weighting": "famo"},
]
if os.environ.get("WHOLE_MATRIX"):
    every = [{"weighting": name} for name in _registry.names("weightings")]
    CASES += [case for case in every if case not in CASES]


@pytest.mark.slow
def test_two_workers_together_see_each_row_once(tmp_path):
    rows_of_a_worker.write(tmp_path)
    workers = run_workers("tests.integration.rows_of_a_worker", [[str(tmp_path)]] * 2)
    assert not any(worker.returncode for worker in workers), workers[0].stderr[-3000:]
    first, second = (json.loads(worker.stdout.split("SEEN ")[1]) for worker in workers)
    assert list(first) == ["from_arrays", "from_parquet", "from_records", "mix"]
    for name, epochs in first.items():
        for one, other in zip(epochs, second[name], strict=True):
            assert len(one) == len(other)
            assert sorted(one + other) == list(range(rows_of_a_worker.ROWS)), name
        assert epochs[0] != epochs[1], name


@pytest.mark.slow
def test_two_workers_train_evaluate_and_predict_as_one():
    module, cases = "tests.integration.training_of_a_worker", json.dumps(CASES)
    alone = subprocess.run(
        [sys.executable, "-m", module, cases],
        cwd=pathlib.Path(__file__).parents[2],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    workers = run_workers(module, [[cases]] * 2, timeout=1200)
    for one in (alone, *workers):
        assert one.returncode == 0, one.stderr[-3000:]
    expected, *found = (json.loads(one.stdout.split("RESULTS ")[1]) for one in (alone, *workers))
    for case, results in expected.items():
        assert results["update"] > 0.02, case
        for worker in found:
            assert worker[case]["logs"].keys() == results["logs"].keys(), case
            for name, value in results["logs"].items():
                np.testing.assert_allclose(worker[case]["logs"][name], value, atol=1e-5, err_msg=f"{case} {name}")
            for one, other in zip(worker[case]["weights"], results["weights"], strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5, err_msg=case)
            for task, values in results["predicted"].items():
                np.testing.assert_allclose(worker[case]["predicted"][task], values, atol=1e-5, err_msg=case)
