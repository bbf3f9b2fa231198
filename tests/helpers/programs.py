"""Programs that tests run in a process of their own; they print a line `RESULTS` with JSON."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any


def results_of(module: str, *arguments: str) -> Any:
    """Runs a module in a new process, and returns its results.

    Args:
        module: Name of the module, such as `tests.integration.replicas`.
        *arguments: Its arguments.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=pathlib.Path(__file__).parents[2],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return results_in(done.stdout)


def results_in(printed: str) -> Any:
    """Returns the results in the output of a program."""
    return json.loads(printed.split("RESULTS ")[1].splitlines()[0])
