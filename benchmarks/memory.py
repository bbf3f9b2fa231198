"""How much more memory does a training step need than the plain sum? `python benchmarks/memory.py`.

A dense tower of about 8 million shared parameters (P), with batch 8, so that the gradients dominate. Each case runs in
separate processes. The figure is the median of their largest resident memory minus that of the plain sum, in units of
T·P floats of 4 bytes, with the minimum and the maximum.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys

WIDTH = 2000


def measure(num_tasks, arguments):
    """Prints the largest memory in bytes, and the number of shared parameters."""
    import keras
    import numpy as np

    import mtl_keras as mtl

    tasks = [mtl.Task(f"t{i}", mtl.heads.Regression(), metrics=[]) for i in range(num_tasks)]
    model = mtl.build_model((WIDTH,), tasks, tower=mtl.towers.MLP((WIDTH, WIDTH)))
    model.compile(keras.optimizers.SGD(1e-3), **arguments)
    x = np.random.default_rng(0).normal(size=(80, WIDTH)).astype("float32")
    model.fit(x, {task: x[:, 0] for task in model.task_names}, batch_size=8, verbose=0)
    size = sum(int(np.prod(v.shape)) for v in model.partition.shared)
    print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, size]))


def in_processes(rounds, num_tasks, arguments):
    """Returns the largest memory of each process in bytes, and the number of shared parameters."""
    command = [sys.executable, __file__, "--case", json.dumps([num_tasks, arguments])]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(rounds)]
    most, sizes = zip(*[json.loads(run.stdout.splitlines()[-1]) for run in runs], strict=True)
    return most, sizes[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--methods", nargs="+", default=["uncertainty", "pcgrad", "nash_mtl", "graddrop", "modo"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--case", help="for its own use")
    arguments = parser.parse_args()
    if arguments.case:
        measure(*json.loads(arguments.case))
        return
    for num_tasks in arguments.tasks:
        runs, size = in_processes(arguments.rounds, num_tasks, {})
        plain = statistics.median(runs)
        print(f"T={num_tasks}, P={size:,}: the plain sum {plain / 2**20:.0f} MiB", flush=True)
        cases = [{"weighting": method} for method in arguments.methods]
        for case in [*cases, {"weighting": "pcgrad", "level": "features"}]:
            runs, _ = in_processes(arguments.rounds, num_tasks, case)
            figures = sorted((run - plain) / (4 * num_tasks * size) for run in runs)
            middle, low, high = statistics.median(figures), figures[0], figures[-1]
            print(f"  {' '.join(case.values()):18s} {middle:+.2f} ({low:+.2f} to {high:+.2f}) T·P", flush=True)


if __name__ == "__main__":
    main()
