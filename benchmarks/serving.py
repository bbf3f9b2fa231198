"""What does it cost to serve several tasks? `python benchmarks/serving.py --tasks 2 4 8 --seconds 30`.

Three comparisons, on LeNets of 28x28 images with heads of 10 classes. First, one export of T tasks against T exports of
one task each: time, and memory on a larger tower. Second, the signature of one task against that of all tasks. Third,
many clients at once on a gRPC server; no answer may be wrong or missing. The first two call the signatures without a
network.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import keras
import numpy as np
import tensorflow as tf
from _bench import report

import mtl_keras as mtl

SHAPE = (28, 28, 1)
CLIENTS = 8


def build(names, sharing="hard", tower="lenet"):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(name, mtl.heads.Multiclass(10)) for name in names]
    return mtl.build_model(keras.Input(SHAPE, name="image"), tasks, tower=tower, sharing=sharing)


def resident():
    """Returns the memory of this process in MiB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def call_once(path):
    """Returns an export, loaded and called."""
    model = tf.saved_model.load(path)
    model.signatures["serving_default"](image=tf.zeros((1, *SHAPE)))
    return model


def growth(first, *paths):
    """Prints by how many MiB exports make this process grow, after a first export, which has additional costs."""
    kept = [call_once(first)]
    before = resident()
    kept += [call_once(path) for path in paths]
    print(resident() - before)


def memory(num_tasks, folder):
    """The memory of T exports of one task and of one export of T tasks, with a tower of 22 MiB, each in a process."""
    names, tower = [f"t{i}" for i in range(num_tasks)], mtl.towers.MLP((2000, 2000))

    def export(chosen):
        return str(mtl.export.saved_model(build(chosen, tower=tower), f"{folder}/{'_'.join(chosen)}", signatures=()))

    def mib(paths):
        command = [sys.executable, __file__, "--load", first, *paths]
        runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(3)]
        return statistics.median(float(run.stdout.splitlines()[-1]) for run in runs)

    first = str(mtl.export.saved_model(build(["small"]), f"{folder}/first{num_tasks}", signatures=()))
    one, many = mib([export(names)]), mib([export([name]) for name in names])
    print(f"T={num_tasks}: memory of one export {one:.0f} MiB, of {num_tasks}: {many:.0f} MiB", flush=True)


def one_or_many(num_tasks, folder, rounds):
    """One export of T tasks compared with T exports of one task."""
    names = [f"t{i}" for i in range(num_tasks)]
    joint = mtl.export.saved_model(build(names), f"{folder}/joint{num_tasks}", signatures=())
    singles = [mtl.export.saved_model(build([name]), f"{folder}/{num_tasks}{name}", signatures=()) for name in names]
    x = tf.random.uniform((64, *SHAPE))
    joint, *singles = [call_once(path) for path in (joint, *singles)]
    for rows in (1, 64):
        calls = {
            "one export": lambda n=rows: joint.signatures["serving_default"](image=x[:n]),
            "T exports": lambda n=rows: [model.signatures["serving_default"](image=x[:n]) for model in singles],
        }
        report(f"T={num_tasks}, {rows} rows", calls, rounds, warm_up=5)


def one_task_or_all(sharing, folder, rounds):
    """The signature of one of 8 tasks compared with that of all tasks."""
    names = [f"t{i}" for i in range(8)]
    loaded = tf.saved_model.load(mtl.export.saved_model(build(names, sharing), f"{folder}/{sharing}"))
    x = tf.random.uniform((64, *SHAPE))
    for rows in (1, 64):
        calls = {
            "all tasks": lambda n=rows: loaded.signatures["serving_default"](image=x[:n]),
            "one task": lambda n=rows: loaded.signatures["t0"](image=x[:n]),
        }
        report(f"{sharing}, 8 tasks, {rows} rows", calls, rounds, warm_up=5)


def clients(folder, seconds):
    """Many clients at once on `export.serve`."""
    import grpc

    model = build(["t0", "t1"])
    mtl.export.saved_model(model, f"{folder}/served", warmup=True)
    rng = np.random.default_rng(0)
    inputs = [rng.random((rows, *SHAPE), "float32") for rows in range(1, 9)]
    expected = [model.predict(x, verbose=0) for x in inputs]
    sent, right, wrong = [0] * CLIENTS, [0] * CLIENTS, [0] * CLIENTS

    def client(number, channel, until):
        while time.monotonic() < until:
            k = (number + sent[number]) % len(inputs)
            sent[number] += 1
            answer = mtl.export.request(channel, "served", {"image": inputs[k]}, ("serving_default", "t0", "t1")[k % 3])
            same = all(np.allclose(y, expected[k][task], atol=1e-6) for task, y in answer.items())
            (right if same and answer else wrong)[number] += 1

    with mtl.export.serve({"served": f"{folder}/served"}) as address, grpc.insecure_channel(address) as channel:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=client, args=(number, channel, until)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    lost = sum(sent) - sum(right) - sum(wrong)
    print(
        f"{CLIENTS} clients for {seconds} s: {sum(sent)} calls, {sum(sent) / seconds:.0f} a second, "
        f"{sum(wrong)} wrong, {lost} lost"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--load", nargs="+", help="for its own use")
    arguments = parser.parse_args()
    if arguments.load:
        growth(*arguments.load)
        return
    with tempfile.TemporaryDirectory() as folder:
        for num_tasks in arguments.tasks:
            one_or_many(num_tasks, folder, arguments.rounds)
            memory(num_tasks, f"{folder}/memory{num_tasks}")
        for sharing in ("hard", "single_task"):
            one_task_or_all(sharing, folder, arguments.rounds)
        clients(folder, arguments.seconds)


if __name__ == "__main__":
    main()
