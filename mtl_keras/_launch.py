"""Runs a program as several workers of `tf.distribute` on this machine."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

_POLL = 0.1  # seconds between two checks of the workers
_ONE_LINE = threading.Lock()  # held while a line is printed, so that lines of two workers do not mix


def launch(
    program: str | os.PathLike,
    arguments: list[str],
    workers: int,
    logs: str | os.PathLike | None = None,
    grace: float = 30.0,
) -> int:
    """Runs a Python program in several processes, with `TF_CONFIG` set so that each is one worker of a cluster.

    Each line that a worker prints begins with `[its number]`. When a worker fails, the others get SIGTERM, and SIGKILL
    after a grace period. SIGINT and SIGTERM are passed on to all workers, with the same grace period.

    Args:
        program: The Python file.
        arguments: Its arguments.
        workers: How many processes.
        logs: Folder for a file `worker-<number>.log` for each worker, or None.
        grace: Seconds from SIGTERM to SIGKILL.

    Returns:
        The exit status of the worker that failed first: 128 + the signal number if a signal ended it. 0 if none failed.
    """
    if logs is not None:
        pathlib.Path(logs).mkdir(parents=True, exist_ok=True)
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(workers)]}
    got: list[int] = []  # signals
    with contextlib.ExitStack() as stack, _signals(got):
        processes: list[subprocess.Popen] = []
        readers: list[threading.Thread] = []
        stack.callback(lambda: _kill(processes))
        for index in range(workers):
            config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
            process = subprocess.Popen(
                [sys.executable, str(program), *arguments],
                env={**os.environ, "TF_CONFIG": json.dumps(config), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # otherwise Ctrl-C would reach the workers twice
            )
            processes.append(process)
            stack.callback(process.stdout.close)  # type: ignore[union-attr]
            log = stack.enter_context(open(pathlib.Path(logs) / f"worker-{index}.log", "wb")) if logs else None
            readers.append(threading.Thread(target=_relay, args=(index, process.stdout, log), daemon=True))
            readers[-1].start()
        failed = _watch(processes, got, grace)
        _kill(processes)
        for reader in readers:
            reader.join()  # every process that could write is dead
    return failed if failed >= 0 else 128 - failed


def free_ports(number: int) -> list[int]:
    """Returns free ports of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def _watch(processes, got, grace):
    """Waits until all workers have ended, and returns the exit status of the first that failed."""
    failed, passed_on, deadline = 0, 0, None
    while True:
        running = [process for process in processes if process.poll() is None]
        if not failed:
            failed = next((process.returncode for process in processes if process.returncode), 0)
        if not running:
            return failed
        for number in got[passed_on:]:
            _send(running, number if not passed_on else signal.SIGKILL)
            passed_on += 1
            deadline = deadline or time.monotonic() + grace
        if failed and deadline is None:
            index = next(i for i, process in enumerate(processes) if process.returncode)
            print(f"Worker {index} failed with exit status {failed}; the others are stopped.", file=sys.stderr)
            _send(running, signal.SIGTERM)
            deadline = time.monotonic() + grace
        if deadline and time.monotonic() > deadline:
            _send(running, signal.SIGKILL)
        time.sleep(_POLL)


def _send(processes, number):
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


def _kill(processes):
    """Kills the workers and the processes that they have started."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _signals(got: list[int]) -> Iterator[None]:
    """Within this context, SIGINT and SIGTERM are only recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, frame: got.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _relay(index, stream, log):
    """Writes the lines of a worker to the terminal and to its log."""
    for line in stream:
        if log is not None:
            log.write(line)
            log.flush()
        text = line.decode(errors="replace").rstrip("\r\n").rpartition("\r")[2]  # what a terminal would show
        encoding = sys.stdout.encoding or "utf-8"
        with _ONE_LINE:
            print(f"[{index}] {text}".encode(encoding, "backslashreplace").decode(encoding), flush=True)
