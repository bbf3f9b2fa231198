"""What does a training step cost under each sharing scheme? `python benchmarks/sharing.py --schemes mmoe ple`.

Ratios to hard sharing of the same tower in the same run, with the schemes' defaults. The memory is the peak of the
process, with a separate process for each scheme.
"""

import argparse
import multiprocessing
import resource

import keras
import numpy as np
from _bench import ratios

import mtl_keras as mtl
from mtl_keras import _registry

STEPS = 10


def compiled(scheme, arguments):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(f"t{i}", mtl.heads.Binary(), metrics=[]) for i in range(arguments.tasks)]
    shape = (100,) if arguments.tower == "mlp" else (28, 28, 1)
    model = mtl.build_model(shape, tasks, tower=arguments.tower, sharing=scheme)
    model.compile("adam")
    return model


def measure(scheme, arguments, results):
    random = np.random.default_rng(0)
    try:
        models = {name: compiled(name, arguments) for name in dict.fromkeys(("hard", scheme))}
    except ValueError as error:  # the scheme does not support this tower or number of tasks
        results.put(f"{scheme:16s} {str(error)[:60]}")
        return
    x = random.normal(size=(arguments.batch * STEPS, *models["hard"].input.shape[1:])).astype("float32")
    y = {f"t{i}": random.integers(0, 2, len(x)) for i in range(arguments.tasks)}
    data = mtl.data.from_arrays(x, y, arguments.batch)
    runs = {name: lambda m=model: m.fit(data, verbose=0) for name, model in models.items()}
    low, median, high = ratios(runs, arguments.rounds).get(scheme, (1.0, 1.0, 1.0))
    parameters = models[scheme].count_params() / models["hard"].count_params()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cell = f"{median:.2f} ({low:.2f}-{high:.2f})"
    results.put(f"{scheme:16s}{cell:>20s}{parameters:>12.2f}{memory:>10.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemes", nargs="+", default=_registry.names("sharing"))
    parser.add_argument("--tower", default="mlp")
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    print(f"{'scheme':16s}{'step':>20s}{'parameters':>12s}{'memory':>14s}")
    context = multiprocessing.get_context("spawn")
    for scheme in arguments.schemes:
        results = context.Queue()
        process = context.Process(target=measure, args=(scheme, arguments, results))
        process.start()
        process.join()
        print(results.get() if process.exitcode == 0 else f"{scheme:16s} failed", flush=True)


if __name__ == "__main__":
    main()
