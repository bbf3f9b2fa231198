"""What do stacked experts gain? `python benchmarks/experts.py --experts 4 8 16 32`.

Compares MMoE with experts of dense layers as one batched operation per layer to the same experts one by one: the time
of a training step, and the seconds until the first step has run.
"""

import argparse
import time

import keras
import numpy as np
from _bench import ratios

import mtl_keras as mtl

STEPS = 20


def compiled(num_experts, stacked, arguments):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(f"t{i}", mtl.heads.Binary(), metrics=[]) for i in range(arguments.tasks)]
    model = mtl.build_model(
        (arguments.features,),
        tasks,
        tower=mtl.towers.MLP(tuple(arguments.units)),
        sharing=mtl.sharing.MMoE(num_experts, stacked=stacked),
    )
    model.compile("adam")
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experts", type=int, nargs="+", default=[4, 8, 16, 32])
    parser.add_argument("--units", type=int, nargs="+", default=[64, 32])
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    x = random.normal(size=(arguments.batch * STEPS, arguments.features)).astype("float32")
    y = {f"t{i}": random.integers(0, 2, len(x)) for i in range(arguments.tasks)}
    data = mtl.data.from_arrays(x, y, arguments.batch)
    for num_experts in arguments.experts:
        runs, first = {}, {}
        for name, stacked in (("one by one", False), ("stacked", True)):
            model = compiled(num_experts, stacked, arguments)
            start = time.perf_counter()
            model.fit(data.take(1), verbose=0)
            first[name] = time.perf_counter() - start
            runs[name] = lambda m=model: m.fit(data, verbose=0)
        low, median, high = ratios(runs, arguments.rounds)["stacked"]
        print(
            f"{num_experts} experts: stacked / one by one = {median:.3f} (quartiles {low:.3f} to {high:.3f}); first "
            f"step after {first['stacked']:.1f} s, one by one {first['one by one']:.1f} s",
            flush=True,
        )
        keras.utils.clear_session()


if __name__ == "__main__":
    main()
