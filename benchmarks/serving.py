"""What does it cost to serve several tasks? `python benchmarks/serving.py --tasks 2 4 8 --seconds 30`.

Three questions, on LeNets of 28x28 images with heads of 10 classes: one export of T tasks beside T exports of one task
each, in time and memory; the signature of one task beside that of all; and many clients at once on a gRPC server, of
whose answers none may be wrong or missing. The first two call the signatures in this process, without a network.
"""

import argparse
import pathlib
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


def build(names, sharing="hard"):
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(name, mtl.heads.Multiclass(10)) for name in names]
    return mtl.build_model(keras.Input(SHAPE, name="image"), tasks, tower="lenet", sharing=sharing)


def resident():
    """Returns the memory of this process in MiB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def load(paths, x):
    """Returns the loaded exports, called once, and by how many MiB this process grows with them, the mean of 8."""
    before, copies = resident(), []
    for _ in range(8):
        copies.append([tf.saved_model.load(path) for path in paths])
        for model in copies[-1]:
            model.signatures["serving_default"](image=x[:1])
    return copies[-1], (resident() - before) / len(copies)


def one_or_many(num_tasks, folder, rounds):
    """One export of T tasks beside T exports of one task."""
    names = [f"t{i}" for i in range(num_tasks)]
    joint = mtl.export.saved_model(build(names), f"{folder}/joint{num_tasks}", signatures=())
    singles = [mtl.export.saved_model(build([name]), f"{folder}/{num_tasks}{name}", signatures=()) for name in names]
    x = tf.random.uniform((64, *SHAPE))
    load([joint], x)  # what the first one of a process costs is not its own
    singles, memory_of_many = load(singles, x)
    (joint,), memory_of_one = load([joint], x)
    print(f"T={num_tasks}: memory of one export {memory_of_one:.1f} MiB, of {num_tasks}: {memory_of_many:.1f} MiB")
    for rows in (1, 64):
        calls = {
            "one export": lambda n=rows: joint.signatures["serving_default"](image=x[:n]),
            "T exports": lambda n=rows: [model.signatures["serving_default"](image=x[:n]) for model in singles],
        }
        report(f"T={num_tasks}, {rows} rows", calls, rounds, warm_up=5)


def one_task_or_all(sharing, folder, rounds):
    """The signature of one of 8 tasks beside that of all."""
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
    """Many clients at once on the examples' server."""
    sys.path.append(str(pathlib.Path(__file__).parents[1] / "examples"))
    import _server
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    model = build(["t0", "t1"])
    mtl.export.saved_model(model, f"{folder}/served", warmup=True)
    rng = np.random.default_rng(0)
    inputs = [rng.random((rows, *SHAPE), "float32") for rows in range(1, 9)]
    expected = [model.predict(x, verbose=0) for x in inputs]
    sent, right, wrong = [0] * CLIENTS, [0] * CLIENTS, [0] * CLIENTS

    def client(number, stub, until):
        while time.monotonic() < until:
            k = (number + sent[number]) % len(inputs)
            sent[number] += 1
            answer = _server.predict(stub, "served", {"image": inputs[k]}, ("serving_default", "t0", "t1")[k % 3])
            same = all(np.allclose(y, expected[k][task], atol=1e-6) for task, y in answer.items())
            (right if same and answer else wrong)[number] += 1

    with _server.serve({"served": f"{folder}/served"}) as address, grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=client, args=(number, stub, until)) for number in range(CLIENTS)]
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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for num_tasks in arguments.tasks:
            one_or_many(num_tasks, folder, arguments.rounds)
        for sharing in ("hard", "single_task"):
            one_task_or_all(sharing, folder, arguments.rounds)
        clients(folder, arguments.seconds)


if __name__ == "__main__":
    main()
