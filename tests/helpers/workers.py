"""Starts the workers of a cluster as processes of this machine."""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

from mtl_keras._launch import free_ports


def run_workers(module: str, arguments: list[list[str]], timeout: float = 300) -> list[subprocess.CompletedProcess]:
    """Runs a module in several processes, one per worker, and returns the processes when all have ended.

    Args:
        module: Name of the module, such as `tests.integration.rows_of_a_worker`.
        arguments: The arguments of each worker.
        timeout: Seconds after which all are killed.
    """
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(len(arguments))]}
    workers = []
    for index, own in enumerate(arguments):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        env = {**os.environ, "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, "-m", module, *own]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        workers.append(subprocess.Popen(command, cwd=pathlib.Path(__file__).parents[2], env=env, **pipes))
    try:
        with concurrent.futures.ThreadPoolExecutor() as threads:  # read all at once: a worker waits if its pipe is full
            outputs = list(threads.map(lambda worker: worker.communicate(timeout=timeout), workers))
    finally:
        for worker in workers:
            worker.kill()
    return [
        subprocess.CompletedProcess(worker.args, worker.returncode, *output)
        for worker, output in zip(workers, outputs, strict=True)
    ]
