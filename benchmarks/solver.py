"""Times the T x T part of every Gramian weighting, in graph mode: `python benchmarks/solver.py`."""

import argparse
import time

import numpy as np
import tensorflow as tf

from mtl_keras import _registry
from mtl_keras.weightings import GramianWeighting, HalvesWeighting


def milliseconds(weighting, num_tasks, calls):
    """Returns the time of one call inside a graph, the minimum over five runs of `calls` calls."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(calls, num_tasks, 4 * num_tasks)) + 0.1
    gramians = tf.constant(rows @ rows.transpose(0, 2, 1), "float32")
    ones = tf.ones(num_tasks)
    weighting.build(num_tasks)

    @tf.function
    def run():
        return tf.map_fn(lambda gramian: weighting(gramian, ones, ones), gramians, parallel_iterations=1)

    run()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times) / calls


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 4, 8, 16, 40])
    parser.add_argument("--calls", type=int, default=20)
    args = parser.parse_args()
    print(f"{'ms per call':14s}" + "".join(f"{f'T={t}':>9s}" for t in args.tasks))
    for name in _registry.names("weightings"):
        cls = type(_registry.get("weightings", name))
        if not issubclass(cls, (GramianWeighting, HalvesWeighting)):
            continue
        row = []
        for num_tasks in args.tasks:
            few = name == "krum" and num_tasks < 3
            row.append("-" if few else f"{milliseconds(cls(), num_tasks, args.calls):.2f}")
        print(f"{name:14s}" + "".join(f"{cell:>9s}" for cell in row))


if __name__ == "__main__":
    main()
