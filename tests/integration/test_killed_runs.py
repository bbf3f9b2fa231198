"""Runs that use all state there is are killed at random steps, and come out bit for bit as in one piece."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.integration.killed_runs import RUNS


@pytest.mark.slow
@pytest.mark.parametrize("several", [False, True], ids=["one replica", "two replicas"])
def test_the_same_bits_every_time(several, tmp_path):
    names = [name for name, options in RUNS.items() if ("replicas" in options) == several]
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.killed_runs", str(tmp_path), *names],
        cwd=pathlib.Path(__file__).parents[2],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.split("RESULTS ")[1])
    assert list(results) == names
    for name, found in results.items():
        assert found["killed"] == found["whole"], name
    assert len({found["whole"]["variables"] for found in results.values()}) == len(names)


def test_thirty_kills_of_eight_runs():
    assert (sum(options["kills"] for options in RUNS.values()), len(RUNS)) == (30, 8)
