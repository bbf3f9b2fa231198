"""Several workers, as processes of this machine, with real connections."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from mtl_keras import _registry
from tests.helpers.programs import results_in, results_of
from tests.helpers.workers import run_workers
from tests.integration import rows_of_a_worker

pytestmark = pytest.mark.graph

PIECES = {  # one case for each way in which a step uses the replicas
    "weightings": [
        {"metrics": True},
        {"weighting": "cagrad"},
        {
            "weighting": "uncertainty",
            "rows": 19,
            "metrics": True,
        },  # the last batch has 2 rows and 1
        {"weighting": "mgda", "level": "features"},
        {"weighting": "famo"},
        {"weighting": "cagrad", "chunk_size": 2},
    ],
    "every and clipping": [
        {"weighting": "cagrad", "every": 2, "observed": 3},
        {"weighting": "mgda", "level": "features", "every": 3},
        {"clipnorm": 0.05},
        {"weighting": "upgrad", "global_clipnorm": 0.1},
    ],
}
OPTIONS = {
    # The first gradient of one of the weights is 2e-8, where the median is 0.04. By Keras' epsilon, 1e-7, its rounding
    # would become a difference of 1.1e-5 between the weights.
    "db_mtl": {"epsilon": 1e-4}
}
if os.environ.get("WHOLE_MATRIX"):
    names = [name for name in _registry.names("weightings") if {"weighting": name} not in PIECES["weightings"]]
    for i in range(0, len(names), 6):  # a quarter of an hour on one core would be too long for one test
        piece = names[i : i + 6]
        PIECES[f"{piece[0]} to {piece[-1]}"] = [{"weighting": name, **OPTIONS.get(name, {})} for name in piece]


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
@pytest.mark.parametrize("piece", PIECES)
def test_two_workers_train_evaluate_and_predict_as_one(piece):
    module, cases = "tests.integration.training_of_a_worker", json.dumps(PIECES[piece])
    expected = results_of(module, cases)
    workers = run_workers(module, [[cases]] * 2, timeout=1200)
    for worker in workers:
        assert worker.returncode == 0, worker.stderr[-3000:]
        assert "`steps_per_execution` must be 1" in worker.stdout.split("REFUSED ")[1]
        _assert_equal(results_in(worker.stdout), expected)


@pytest.mark.slow
def test_one_worker_trains_evaluates_and_predicts_as_no_strategy():
    module, cases = "tests.integration.training_of_a_worker", json.dumps(PIECES["weightings"][:2])
    (worker,) = run_workers(module, [[cases]])
    assert worker.returncode == 0, worker.stderr[-3000:]
    _assert_equal(results_in(worker.stdout), results_of(module, cases))


def _assert_equal(worker, expected):
    for case, results in expected.items():
        assert results["update"] > 0.02, case
        assert worker[case]["logs"].keys() == results["logs"].keys(), case
        for name, value in results["logs"].items():
            np.testing.assert_allclose(worker[case]["logs"][name], value, atol=1e-5, err_msg=f"{case} {name}")
        for one, other in zip(worker[case]["weights"], results["weights"], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5, err_msg=case)
        for task, values in results["predicted"].items():
            np.testing.assert_allclose(worker[case]["predicted"][task], values, atol=1e-5, err_msg=case)


@pytest.mark.slow
def test_the_chief_writes_the_files(tmp_path):
    workers = run_workers("tests.integration.files_of_a_worker", [[str(tmp_path)]] * 2)
    assert not any(worker.returncode for worker in workers), [worker.stderr[-3000:] for worker in workers]
    chief, other = (results_in(worker.stdout) for worker in workers)
    for found in (chief, other):
        assert (found["served"], found["litert"]) == ("served/1", "model.tflite")
        assert found["difference"] < 1e-6
    assert "FileExistsError: Version 1 exists" in chief["error"]
    assert other["error"] == "RuntimeError: The chief, worker 0, could not write; its error says why."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.tflite", "served", "weights.csv"]
    assert [path.name for path in (tmp_path / "served").iterdir()] == ["1"]
    _, *rows = (tmp_path / "weights.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in rows] == ["1", "2"]


def _launch(folder, step):
    """Trains with two workers, and returns the exit status and what each printed."""
    program = pathlib.Path(__file__).parent / "backup_of_a_worker.py"
    command = [sys.executable, "-m", "mtl_keras", "launch", "--workers", "2", "--grace", "15"]
    done = subprocess.run(
        [*command, "--logs", str(folder / "logs"), str(program), str(folder), str(step)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    logs = [(folder / "logs" / f"worker-{i}.log").read_text() for i in range(2)]
    return done.returncode, logs


@pytest.mark.slow
def test_a_worker_dies_and_all_go_on_from_the_backup_bit_for_bit(tmp_path):
    """The chief alone writes the backups and the model, and `launch` stops the worker that is left.

    The second time a SIGTERM to one worker stops both.
    """
    (whole, broken) = (tmp_path / name for name in ("whole", "broken"))
    status, logs = _launch(whole, 0)
    assert status == 0, logs[0][-3000:]
    expected = [results_in(log) for log in logs]
    assert expected[0] == expected[1]
    status, logs = _launch(broken, 9)
    assert status == 128 + 9, logs[0][-3000:]
    assert not any("RESULTS" in log for log in logs)
    backups = sorted(path.name for path in (broken / "backup").iterdir())
    assert len(backups) == 2
    status, logs = _launch(broken, -3)
    assert status == 128 + 15, logs[0][-3000:]
    assert not any("RESULTS" in log for log in logs)
    status, logs = _launch(broken, 0)
    assert status == 0, logs[0][-3000:]
    assert [results_in(log) for log in logs] == expected
    assert not list((broken / "backup").iterdir())
    one, other = (keras.models.load_model(folder / "model.keras") for folder in (whole, broken))
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
