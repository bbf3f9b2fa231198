"""Worker processes that share one queue."""

import multiprocessing
import multiprocessing.connection
import os
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any

# For one process: TensorFlow keeps functions of every model that a process has trained, some megabytes each.
MOST_RUNS = 25
_ORPHANED = 76  # exit code of a process whose parent was killed; nothing reads it
_RENEW = 75  # exit code of a process that leaves the remaining runs to the next process


def run_workers(workers: int, work: Callable, plan: Any, storage: Any, name: str, verbose: bool) -> None:
    """Starts processes that work until all runs are made.

    Args:
        workers: Number of processes.
        work: Function of `(plan, queue, verbose, most)` that makes at most `most` runs, and returns whether all are
            complete.
        plan: The runs, with a method `queue(storage, name)`; it is pickled.
        storage, name: Storage and name of the queue.
        verbose: Whether to print a line for each run.

    Raises:
        ValueError: If the plan cannot be pickled.
        RuntimeError: If a process fails.
    """
    try:
        pickle.dumps((plan, work))
    except (pickle.PicklingError, AttributeError, TypeError) as failure:
        raise ValueError(
            f"`workers={workers}` need arguments that can be pickled: functions of a module, arrays, recipes. "
            f"{type(failure).__name__}: {failure}"
        ) from failure
    context = multiprocessing.get_context("spawn")

    def start():
        process = context.Process(target=_process, args=(work, plan, storage, name, verbose))
        process.start()
        return process

    running, failed = [start() for _ in range(workers)], []
    try:
        while running:
            multiprocessing.connection.wait([process.sentinel for process in running])
            ended = [process for process in running if not process.is_alive()]
            running = [process for process in running if process not in ended]
            running += [start() for process in ended if process.exitcode == _RENEW]
            failed += [process.exitcode for process in ended if process.exitcode not in (0, _RENEW)]
    finally:
        for process in running:
            process.terminate()
    if failed:
        raise RuntimeError(f"{len(failed)} workers failed, with exit codes {failed}. Their errors are above.")


def _process(work, plan, storage, name, verbose):
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if not work(plan, plan.queue(storage, name), verbose, MOST_RUNS):
        sys.exit(_RENEW)


def _end_with_parent():
    """Ends this process when its parent process ends for any reason; another process repeats its run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(_ORPHANED)
