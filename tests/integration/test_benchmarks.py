"""The benchmarks of many tasks and of GPUs run, on any machine, and print their tables."""

import os
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "arguments", "rows"),
    [
        ("gpu.py", ["--tasks", "2"], 4),  # two cases in two precisions
        ("scale.py", ["tasks"], 6),  # three cases with two and three tasks
        ("scale.py", ["tower", "batch"], 4),
        ("scale.py", ["table"], 5),
        ("scale.py", ["chunks", "remat"], 7),
        ("scale.py", ["workers"], 3),
    ],
)
def test_smoke(program, arguments, rows):
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, program, "--smoke", *arguments]
    if program == "scale.py":
        command += ["--rounds", "1"]
    done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    table = [line for line in done.stdout.splitlines() if line.startswith("|") and not line.startswith("|--")]
    found = [line for line in table if any(character.isdigit() for character in line)]
    assert len(found) == rows
