"""A comparison killed at ten random moments has every run once, with the figures of one that was not killed."""

import contextlib
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

import mtl_keras as mtl

ROOT = pathlib.Path(__file__).parents[2]
KILLS = 10


def _start(file, workers):
    """Starts the program in a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "tests.integration.study_program", str(file), str(workers)]
    output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **output)


def _starts(file):
    """Returns how many runs have been started."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as base:
            return base.execute("SELECT COUNT(datetime_start) FROM trials").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def _wait_for_starts(process, file, count):
    for _ in range(2400):
        if process.poll() is not None or _starts(file) >= count:
            return
        time.sleep(0.05)
    raise TimeoutError("no run was started within two minutes")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_started_them(tmp_path, number):
    process = _start(tmp_path / "killed.db", 2)
    _wait_for_starts(process, tmp_path / "killed.db", 2)
    assert len(_children(process.pid)) >= 2
    group = os.getpgid(process.pid)
    process.send_signal(number)
    process.wait()
    deadline = time.monotonic() + 10
    while _of_group(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _of_group(group)


def _children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _of_group(group):
    """Returns the processes of a group that still run."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                found.append(stat.parent.name)
    return found


@pytest.mark.slow
def test_killed_ten_times_with_two_workers(tmp_path):
    file, rng, kills = tmp_path / "killed.db", random.Random(0), 0
    while kills < KILLS:
        before = _starts(file)
        process = _start(file, 2)
        _wait_for_starts(process, file, before + rng.randint(1, 4))  # the first two are those of both workers
        time.sleep(rng.uniform(0, 1.5))
        if process.poll() is not None:
            break  # all is done
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills >= 5
    assert _start(file, 2).wait(timeout=600) == 0
    assert _start(tmp_path / "whole.db", 1).wait(timeout=600) == 0
    killed, whole = mtl.study.load(file), mtl.study.load(tmp_path / "whole.db")
    keys = [(c, kind, n) for c in ("single-task", "sum") for kind, numbers in KINDS.items() for n in numbers]
    for study in (killed, whole):
        assert sorted((row["candidate"], row["kind"], row["number"]) for row in study.rows()) == sorted(keys)
    for one, other in zip(killed.rows(), whole.rows(), strict=True):
        for name, value in other.items():
            if name.startswith(("valid ", "test ", "parameter", "best epoch", "error")):
                assert one[name] == value, (name, one["candidate"])
    assert killed.gains == whole.gains


KINDS = {"tune": (0, 1), "final": (0, 1, 2, 3, 4, 5)}
