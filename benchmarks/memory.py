"""What memory does a training step need beyond the plain sum's? `python benchmarks/memory.py`.

A dense tower of about 8 million shared parameters (P), batch 8, so that the gradients outweigh all else. Each case runs
in a process of its own; the figure is the growth of its largest resident memory over the plain sum's, in units of T·P
floats of 4 bytes.
"""

import argparse
import json
import resource
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


def in_a_process(num_tasks, arguments):
    command = [sys.executable, __file__, "--case", json.dumps([num_tasks, arguments])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--methods", nargs="+", default=["uncertainty", "pcgrad", "nash_mtl", "graddrop", "modo"])
    parser.add_argument("--case", help="for its own use")
    arguments = parser.parse_args()
    if arguments.case:
        measure(*json.loads(arguments.case))
        return
    for num_tasks in arguments.tasks:
        plain, size = in_a_process(num_tasks, {})
        print(f"T={num_tasks}, P={size:,}: the plain sum {plain / 2**20:.0f} MiB", flush=True)
        cases = [{"weighting": method} for method in arguments.methods]
        for case in [*cases, {"weighting": "pcgrad", "level": "features"}]:
            most, _ = in_a_process(num_tasks, case)
            name = " ".join(case.values())
            print(f"  {name:18s} {(most - plain) / (4 * num_tasks * size):+.2f} T·P", flush=True)


if __name__ == "__main__":
    main()
