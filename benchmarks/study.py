"""How much more does a study cost than the same runs by hand, and how often is it wrong? `python benchmarks/study.py`.

Overhead: 4 candidates with 5 seeds, in a storage, compared with a loop of `build`, `fit` and `evaluate`. `--memory`:
the memory of 60 runs in one process. `--null`: false verdicts on two candidates that differ only in their random
numbers. They are trained with 100 seeds, and compared on 5 of them at a time.
"""

import argparse
import os
import pathlib
import random
import tempfile
import time

import keras
import numpy as np

import mtl_keras as mtl

TASKS = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
WEIGHTINGS = {"sum": None, "uncertainty": "uncertainty", "famo": "famo", "pcgrad": "pcgrad"}


def data(rows, size, seed):
    """Returns images of noise; the labels are the positions of their brightest pixels."""
    x = np.random.default_rng(seed).normal(size=(rows, size, size, 1)).astype("float32")
    digit = x.reshape(rows, -1)[:, :10].argmax(axis=1)
    return x, {"digit": digit, "odd": digit % 2}


def lenet(weighting=None):
    model = mtl.build_model((28, 28, 1), TASKS, tower="lenet")
    model.compile("adam", weighting=weighting)
    return model


def small(salt=0):
    """Returns a small model. `salt` random numbers are drawn first, so that all later ones differ."""
    for _ in range(salt):
        random.random()
    model = mtl.build_model((4, 4, 1), TASKS, tower=mtl.towers.MLP((16,)))
    model.compile(keras.optimizers.Adam(0.01))
    return model


def by_hand(train, valid, test, seeds, epochs):
    for weighting in WEIGHTINGS.values():
        for seed in range(seeds):
            keras.utils.clear_session()
            keras.utils.set_random_seed(seed)
            model = lenet(weighting)
            batches = mtl.data.from_arrays(*train, 128, shuffle=True, seed=seed)
            model.fit(batches, validation_data=mtl.data.from_arrays(*valid, 128), epochs=epochs, verbose=0)
            model.evaluate(mtl.data.from_arrays(*test, 128), verbose=0)


def overhead(rows, seeds, epochs, rounds):
    parts = [data(rows, 28, 0), data(rows // 5, 28, 1), data(rows // 5, 28, 2)]
    candidates = {name: {"weighting": weighting} for name, weighting in WEIGHTINGS.items()}
    options = {"baseline": "sum", "seeds": seeds, "epochs": epochs, "batch_size": 128, "verbose": False}
    ratios = []
    for turn in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            storage = pathlib.Path(folder) / "study.db"
            runs = [
                lambda: by_hand(*parts, seeds, epochs),
                lambda s=storage: mtl.study.compare(lenet, candidates, *parts, storage=s, **options),
            ]
            times = [0.0, 0.0]
            for i in (0, 1) if turn % 2 else (1, 0):
                start = time.process_time()  # time of this process, independent of other load
                runs[i]()
                times[i] = time.process_time() - start
        ratios.append(times[1] / times[0])
        print(
            f"{len(candidates) * seeds} runs by hand {times[0]:.1f} s of processor time, as a study {times[1]:.1f} s",
            flush=True,
        )
    print(f"study / by hand = {np.median(ratios):.3f}", flush=True)


def memory(num_runs=60):
    """Prints the peak memory of the runs of one process, from the first to the last."""
    parts = [data(256, 4, seed) for seed in range(3)]
    options = {"seeds": num_runs, "epochs": 1, "batch_size": 128, "verbose": False}
    runs = sorted(mtl.study.compare(small, {"a": {}}, *parts, baseline="a", **options).runs("a").values(), key=_at)
    for first in (0, num_runs // 2, num_runs - 10):
        most = max(stored["megabytes"] for stored in runs[first : first + 10])
        print(f"runs {first + 1} to {first + 10}: {most:.0f} MB at most")


def _at(stored):
    return stored["at"]


def false_verdicts(seed, num_seeds=100, draws=5000):
    """Prints how many comparisons of 5 seeds, drawn from many, find a difference where there is none."""
    parts = [data(256, 4, seed) for seed in range(3)]
    candidates = {"a": {"salt": 0}, "b": {"salt": 1}}
    options = {"baseline": "a", "seeds": num_seeds, "epochs": 3, "batch_size": 128, "seed": seed, "verbose": False}
    study = mtl.study.compare(small, candidates, *parts, **options)
    runs = {(name, "final", number): stored for name in candidates for number, stored in study.runs(name).items()}
    rng, wrong = np.random.default_rng(seed), 0
    for _ in range(draws):
        drawn = rng.choice(study.seeds, 5, replace=False).tolist()
        verdicts = mtl.study.Comparison({**study.about, "seeds": drawn}, runs).verdicts()
        wrong += any(said["b"] != "cannot be told apart" for said in verdicts.values())
    print(f"false verdicts: {wrong} of {draws} comparisons of 5 seeds, drawn from {num_seeds}", flush=True)
    print(study.verdict())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="seed of the false verdicts")
    parser.add_argument("--null", action="store_true", help="only false verdicts; takes a quarter of an hour")
    parser.add_argument("--memory", action="store_true", help="memory alone")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.null:
        false_verdicts(arguments.seed)
        return
    if arguments.memory:
        memory()
        return
    overhead(arguments.rows, arguments.seeds, arguments.epochs, arguments.rounds)


if __name__ == "__main__":
    main()
