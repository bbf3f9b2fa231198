"""Worker processes that share one queue."""

import multiprocessing
import multiprocessing.connection
import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

_ORPHANED = 76  # exit code of a process whose parent was killed; nothing reads it


def run_workers(workers: int, work: Callable, plan: Any, storage: Any, name: str, verbose: bool) -> None:
    """Starts processes that work until all runs are made.

    Args:
        workers: Number of processes.
        work: Function of `(plan, queue, verbose)` that makes runs until all are complete.
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
    arguments = (work, plan, storage, name, verbose)
    running, failed = [context.Process(target=_process, args=arguments) for _ in range(workers)], []
    for process in running:
        process.start()
    try:
        while running:
            multiprocessing.connection.wait([process.sentinel for process in running])
            ended = [process for process in running if not process.is_alive()]
            running = [process for process in running if process not in ended]
            failed += [process.exitcode for process in ended if process.exitcode]
    finally:
        for process in running:
            process.terminate()
    if failed:
        raise RuntimeError(f"{len(failed)} workers failed, with exit codes {failed}. Their errors are above.")


def _process(work, plan, storage, name, verbose):
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(plan, plan.queue(storage, name), verbose)


def _end_with_parent():
    """Ends this process when its parent process ends for any reason; another process repeats its run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(_ORPHANED)
