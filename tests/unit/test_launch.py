"""`python -m mtl_keras launch`: real processes, each told which worker it is."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from mtl_keras.__main__ import main
from mtl_keras._launch import launch
from tests.helpers.marks import first_fast

SHOW = """
import json, os, sys
config = json.loads(os.environ["TF_CONFIG"])
print("worker", config["task"]["index"], "of", len(config["cluster"]["worker"]), *sys.argv[1:])
print("ports", *config["cluster"]["worker"], file=sys.stderr)
"""

FAIL = """
import json, os, sys, time
if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1:
    sys.exit(7)
time.sleep(60)
"""

DEAF = """
import json, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1:
    time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(60)
"""

STOPS = """
import signal, sys, time
signal.signal(signal.{name}, lambda number, frame: (print("got", number, flush=True), sys.exit(5)))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def program(tmp_path):
    def write(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        return path

    return write


def test_each_worker_is_told_which_it_is(program, tmp_path, capfd):
    status = main(
        ["launch", "--workers", "3", "--logs", str(tmp_path / "logs"), str(program(SHOW)), "--epochs", "3", "--workers"]
    )
    assert status == 0
    lines = capfd.readouterr().out.splitlines()
    assert sorted(line for line in lines if "worker" in line) == [
        f"[{i}] worker {i} of 3 --epochs 3 --workers" for i in range(3)
    ]
    ports = {line.split(" ", 2)[2] for line in lines if "ports" in line}
    assert len(ports) == 1
    assert len(set(ports.pop().split())) == 3
    assert (tmp_path / "logs/worker-2.log").read_text().startswith("worker 2 of 3 --epochs 3 --workers\nports ")


def test_the_first_failure_ends_all(program, capfd):
    start = time.monotonic()
    assert launch(program(FAIL), [], 3) == 7
    assert time.monotonic() - start < 30
    assert "Worker 1 failed with exit status 7" in capfd.readouterr().err


def test_a_worker_that_does_not_stop_is_killed(program):
    start = time.monotonic()
    assert launch(program(DEAF), [], 2, grace=1.0) == 128 + signal.SIGKILL
    assert 2 <= time.monotonic() - start < 30


@pytest.mark.parametrize("name", first_fast(["SIGINT", "SIGTERM"]))
def test_signals_are_passed_on(name, program):
    path, number = program(STOPS.format(name=name)), getattr(signal, name)
    call = f"import sys; from mtl_keras._launch import launch; sys.exit(launch({str(path)!r}, [], 2))"
    root = str(pathlib.Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", call], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert sorted(process.stdout.readline() for _ in range(2)) == ["[0] ready\n", "[1] ready\n"]
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert sorted(out.splitlines()) == [f"[{i}] got {int(number)}" for i in range(2)]
    assert process.returncode == 5


def test_errors(program, tmp_path, capsys):
    path = str(program(SHOW))
    for arguments, message in (
        (["--workers", "0", path], "`--workers` must be"),
        (["--workers", "2", "--grace", "-1", path], "`--grace` must be"),
        (["--workers", "2", str(tmp_path / "none.py")], "`program` must be a Python file"),
    ):
        assert main(["launch", *arguments]) == 1
        assert message in capsys.readouterr().err


TRAIN = """
import json
import numpy as np
import tensorflow as tf
import mtl_keras as mtl

strategy = tf.distribute.MultiWorkerMirroredStrategy()
x, y = np.ones((16, 4), "float32"), {"a": np.ones(16, "float32"), "b": np.arange(16) % 2}
with strategy.scope():
    model = mtl.build_model((4,), [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())])
    model.compile("sgd", weighting="pcgrad")
history = model.fit(mtl.data.from_arrays(x, y, 8), epochs=2, verbose=0)
print("replicas", strategy.num_replicas_in_sync, "loss", json.dumps(history.history["loss"]))
"""


@pytest.mark.slow
def test_a_training(program, capfd, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parents[2]))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    assert launch(program(TRAIN), [], 2) == 0
    found = sorted(line for line in capfd.readouterr().out.splitlines() if "replicas" in line)
    assert [line[:4] for line in found] == ["[0] ", "[1] "]
    assert found[0][4:] == found[1][4:]
    first, last = json.loads(found[0].split("loss")[1])
    assert last < first
    assert "replicas 2" in found[0]
