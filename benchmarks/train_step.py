"""What does a training step cost under each weighting? `python benchmarks/train_step.py --tasks 2 8 --methods pcgrad`.

The LeNet of Sener and Koltun (2018) on 36x36 images, batch 256, with a head of 50 and 10 units per task. Figures are
ratios to the plain sum of the same model; the steps alternate, and are called as in `fit`. The operation count allows
(1 + 2T) / 3 for T backward passes. `memory.py` measures the memory, and `fit_overhead.py` the overhead of `fit`.
"""

import argparse

import keras
import numpy as np
from _bench import ratios

import mtl_keras as mtl
from mtl_keras import _registry

BATCH = 256


def tower():
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Conv2D(10, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(20, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(50, activation="relu"),
        ]
    )


def compiled(num_tasks, **arguments):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(f"t{i}", mtl.heads.Multiclass(10, hidden=(50,)), metrics=[]) for i in range(num_tasks)]
    model = mtl.build_model((36, 36, 1), tasks, tower=tower())
    model.compile("adam", **arguments)
    return model


def steps(model, dataset, number):
    """Returns a function that trains some steps, without resetting the metrics as `train_on_batch` does."""
    batches = iter(dataset)
    model.fit(dataset, steps_per_epoch=1, verbose=0)  # creates `train_function`

    def run():
        for _ in range(number):
            model.train_function(batches)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 4, 8, 16, 40])
    parser.add_argument("--methods", nargs="+", default=_registry.names("weightings"))
    parser.add_argument("--level", default="parameters")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    options = {"level": arguments.level, "every": arguments.every}
    x = random.uniform(size=(BATCH, 36, 36, 1)).astype("float32")
    for num_tasks in arguments.tasks:
        y = {f"t{i}": random.integers(0, 10, BATCH) for i in range(num_tasks)}
        dataset = mtl.data.from_arrays(x, y, BATCH).cache().repeat()
        plain = compiled(num_tasks)
        print(f"T={num_tasks}: the count of operations allows {(1 + 2 * num_tasks) / 3:.2f}", flush=True)
        for method in arguments.methods:
            try:
                model = compiled(num_tasks, weighting=method, **options)
            except ValueError:  # too few tasks, or a level that the method does not have
                continue
            low, median, high = ratios(
                {"plain": steps(plain, dataset, arguments.every), method: steps(model, dataset, arguments.every)},
                arguments.rounds,
                warm_up=3,
            )[method]
            print(f"  {method:16s} {median:6.2f} ({low:.2f} to {high:.2f})", flush=True)
            keras.utils.clear_session()


if __name__ == "__main__":
    main()
