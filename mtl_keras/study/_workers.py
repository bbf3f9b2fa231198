"""Processes that work off one queue."""

import multiprocessing
import pickle
from collections.abc import Callable
from typing import Any


def run_workers(workers: int, work: Callable, plan: Any, storage: Any, name: str, verbose: bool) -> None:
    """Starts processes that work until all runs are made.

    Args:
        workers: Number of processes.
        work: Function of `(plan, queue, verbose)`.
        plan: What to run, with a `queue(storage, name)`; it is pickled.
        storage, name: Of the queue.
        verbose: Whether to print a line for each run.

    Raises:
        ValueError: If the plan cannot be pickled.
        RuntimeError: If a process fails.
    """
    try:
        pickle.dumps((plan, work))
    except (pickle.PicklingError, AttributeError, TypeError) as failure:
        raise ValueError(
            f"`workers={workers}` need what can be pickled: functions at the top of a module, arrays, and recipes. "
            f"{type(failure).__name__}: {failure}"
        ) from failure
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_process, args=(work, plan, storage, name, verbose)) for _ in range(workers)]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
    failed = [process.exitcode for process in processes if process.exitcode]
    if failed:
        raise RuntimeError(
            f"{len(failed)} of {workers} workers failed, with exit codes {failed}. Their errors are above."
        )


def _process(work, plan, storage, name, verbose):
    work(plan, plan.queue(storage, name), verbose)
