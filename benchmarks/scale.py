"""What do many tasks, deep towers, large batches and large tables cost? `python benchmarks/scale.py tasks`.

`tasks`: build, compile, train, save and export with 2 to 200 tasks on one tower, in seconds of processor time. `tower`,
`batch`: a step with T = 8 relative to the plain sum. `table`: a step with a large embedding, of which a batch uses few
rows, in milliseconds of processor time. `chunks`: the memory and time of `chunk_size`. `remat`: the effect of
recomputing the tower. `workers`: the floats per shared parameter that a step of W workers on this machine sends,
counted at the loopback interface, and its milliseconds. Each case runs in a separate process; MiB are its peak resident
memory.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

FEATURES = 32
QUESTIONS = ["tasks", "tower", "batch", "table", "chunks", "remat", "workers"]
FEW = {"weighting": "pcgrad"}, {"weighting": "pcgrad", "level": "features"}


def dense(num_tasks=8, depth=2, width=64):
    """Returns a model on numbers, with a head of one layer per task."""
    import mtl_keras as mtl

    tasks = [mtl.Task(f"t{i}", mtl.heads.Regression(), metrics=[]) for i in range(num_tasks)]
    return mtl.build_model((FEATURES,), tasks, tower=mtl.towers.MLP((width,) * depth))


def blocks(remat, depth=4, width=256):
    """Returns a model of 4 tasks on blocks of five dense layers, which may be recomputed in the backward passes."""
    import keras

    import mtl_keras as mtl

    class Block(keras.layers.Layer):
        def build(self, shape):
            self.parts = [keras.layers.Dense(width, "tanh") for _ in range(5)]
            for part in self.parts:
                part.build(shape)
                shape = (*shape[:-1], width)

        def call(self, x):
            return keras.remat(self.body)(x) if remat else self.body(x)

        def body(self, x):
            for part in self.parts:
                x = part(x)
            return x

    tasks = [mtl.Task(f"t{i}", mtl.heads.Regression(), metrics=[]) for i in range(4)]
    return mtl.build_model((FEATURES,), tasks, tower=keras.Sequential([Block() for _ in range(depth)]))


def lookups(rows, large):
    """Returns a model of 4 tasks on 20 rows of a table of 16 columns."""
    import keras

    import mtl_keras as mtl

    embedding = mtl.layers.LargeEmbedding if large else keras.layers.Embedding
    tower = keras.Sequential(
        [embedding(rows, 16, embeddings_initializer="zeros"), keras.layers.Flatten(), keras.layers.Dense(64, "relu")]
    )
    tasks = [mtl.Task(f"t{i}", mtl.heads.Regression(), metrics=[]) for i in range(4)]
    return mtl.build_model(keras.Input((20,), dtype="int32", name="ids"), tasks, tower=tower)


def batches(model, batch, rows=None, steps=None):
    """Returns a batch of random inputs and labels, again and again, or `steps` batches."""
    import numpy as np

    import mtl_keras as mtl

    rng, num = np.random.default_rng(0), batch * (steps or 1)
    x = rng.integers(0, rows, (num, 20)).astype("int32") if rows else rng.normal(size=(num, FEATURES))
    y = {task: rng.normal(size=num).astype("float32") for task in model.task_names}
    data = mtl.data.from_arrays(x if rows else x.astype("float32"), y, batch)
    return data if steps else data.cache().repeat()


def timed(function, clock=time.process_time):
    """Returns how many seconds a call takes, and what it returns."""
    start = clock()
    result = function()
    return clock() - start, result


def stepper(model, data):
    """Returns a function that makes a training step."""
    iterator = iter(data)
    model.fit(data, steps_per_epoch=1, verbose=0)  # traces the step
    return lambda: model.train_function(iterator)


def median_step(step, rounds):
    """Returns the median of the milliseconds of processor time of a step."""
    return 1000 * sorted(timed(step)[0] for _ in range(rounds))[rounds // 2]


def tasks_case(num_tasks, rounds, **arguments):
    import mtl_keras as mtl

    folder = pathlib.Path(tempfile.mkdtemp())
    seconds, model = {}, None
    seconds["build"], model = timed(lambda: dense(num_tasks))
    seconds["compile"], _ = timed(lambda: model.compile("adam", **arguments))
    data = batches(model, 64)
    seconds["first step"], step = timed(lambda: stepper(model, data))
    seconds["step"] = median_step(step, rounds) / 1000
    seconds["save"], _ = timed(lambda: model.save(folder / "model.keras"))
    seconds["export"], _ = timed(lambda: mtl.export.saved_model(model, folder / "served"))
    return {name: f"{value:.3f}" for name, value in seconds.items()}


def step_case(shape, batch, rounds, **arguments):
    from _bench import ratios

    steps = {}
    for name, of in (("plain", {}), ("weighted", arguments)):
        model = dense(**shape)
        model.compile("adam", **of)
        steps[name] = stepper(model, batches(model, batch))
    low, median, high = ratios(steps, rounds, warm_up=3)["weighted"]
    return {"relative to the plain sum": f"{median:.2f} ({low:.2f} to {high:.2f})"}


def table_case(rows, large, rounds, **arguments):
    import keras

    model = lookups(rows, large)
    model.compile(keras.optimizers.SGD(0.01), **arguments)
    return {"ms": f"{median_step(stepper(model, batches(model, 256, rows)), rounds):.1f}"}


def memory_case(shape, batch, rounds, **arguments):
    import keras

    model = dense(**shape)
    model.compile(keras.optimizers.SGD(0.01), **arguments)
    return {"ms": f"{median_step(stepper(model, batches(model, batch)), rounds):.0f}"}


def remat_case(remat, batch, rounds, **arguments):
    import keras

    model = blocks(remat)
    model.compile(keras.optimizers.SGD(0.01), **arguments)
    return {"ms": f"{median_step(stepper(model, batches(model, batch)), rounds):.0f}"}


def workers_case(workers, rounds, **arguments):
    """Starts the workers of a case, and returns what the first one found."""
    case = json.dumps({"of": "worker_case", **arguments})
    with tempfile.TemporaryDirectory() as logs:
        command = [sys.executable, "-m", "mtl_keras", "launch", "--workers", str(workers), "--logs", logs, __file__]
        command += ["--case", case, "--rounds", str(rounds)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=pathlib.Path(__file__).parents[1])
        lines = (pathlib.Path(logs) / "worker-0.log").read_text().splitlines()
    return json.loads([line for line in lines if line.startswith("{")][-1])


def worker_case(num_tasks, rounds, **arguments):
    """Trains as one of several workers, and returns what all of them sent in the last epoch."""
    import keras
    import tensorflow as tf

    with tf.distribute.MultiWorkerMirroredStrategy().scope():
        model = dense(num_tasks, width=256)
        model.compile(keras.optimizers.SGD(0.01), **arguments)
    marks = []
    mark = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda *_: marks.append((time.perf_counter(), sent_bytes())),
        on_epoch_end=lambda *_: marks.append((time.perf_counter(), sent_bytes())),
    )
    model.fit(batches(model, 64, steps=rounds), epochs=3, verbose=0, callbacks=[mark])
    (start, before), (end, after) = marks[-2:]
    num_parameters = sum(v.shape.num_elements() for v in model.partition.shared)
    floats = (after - before) / 4 / rounds / num_parameters
    return {"floats sent / P": f"{floats:.2f}", "ms": f"{1000 * (end - start) / rounds:.0f}"}


def sent_bytes():
    """Returns how many bytes went through the loopback interface of this machine."""
    lines = pathlib.Path("/proc/net/dev").read_text().splitlines()
    (numbers,) = [line.split(":")[1].split() for line in lines if line.strip().startswith("lo:")]
    return int(numbers[8])


def cases(question, smoke):
    """Returns the cases of a question: dicts of a function's name, and its arguments."""
    if question == "tasks":
        numbers = [2, 3] if smoke else [2, 20, 50, 100, 200]
        return [{"of": "tasks_case", "num_tasks": n, **arguments} for n in numbers for arguments in ({}, *FEW)]
    if question == "tower":
        depths = [1] if smoke else [1, 4, 16]
        shapes = [({"depth": depth, "width": 512}, 256) for depth in depths]
        return [{"of": "step_case", "shape": s, "batch": b, **arguments} for s, b in shapes for arguments in FEW]
    if question == "batch":
        sizes = [4] if smoke else [16, 256, 4096]
        return [
            {"of": "step_case", "shape": {"width": 256}, "batch": b, **arguments} for b in sizes for arguments in FEW
        ]
    if question == "table":
        tables = [(100, True)] if smoke else [(10**4, True), (10**7, True), (10**7, False)]
        methods = [{}, FEW[0], {**FEW[0], "every": 10}, {**FEW[0], "chunk_size": 2}, {"weighting": "modo"}]
        return [{"of": "table_case", "rows": r, "large": large, **m} for r, large in tables for m in methods]
    if question == "chunks":
        shape = {"num_tasks": 4, "width": 8} if smoke else {"num_tasks": 16, "width": 4000}
        sizes = [{}, {"chunk_size": 1}] if smoke else [{}, *({"chunk_size": n} for n in (8, 4, 2, 1))]
        methods = [{}, *({**FEW[0], **size} for size in sizes)]
        return [{"of": "memory_case", "shape": shape, "batch": 8, **m} for m in methods]
    if question == "workers":
        shapes = [(2, 2)] if smoke else [(w, n) for n in (2, 8) for w in (1, 2, 4)]
        return [{"of": "workers_case", "workers": w, "num_tasks": n, **m} for w, n in shapes for m in ({}, *FEW)]
    sizes = [8] if smoke else [2**14]
    return [
        {"of": "remat_case", "remat": remat, "batch": batch, **m}
        for batch in sizes
        for m in ({}, FEW[0])
        for remat in (False, True)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "questions", nargs="*", default=QUESTIONS, help="one or more of " + ", ".join(QUESTIONS) + "; all by default"
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--smoke", action="store_true", help="few and small, to see that it runs")
    parser.add_argument("--case", help="for its own use")
    arguments = parser.parse_args()
    if arguments.case:
        case = json.loads(arguments.case)
        found = globals()[case.pop("of")](rounds=arguments.rounds, **case)
        mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found.setdefault("MiB", f"{mib:.0f}")  # those of a worker are its own
        print(json.dumps(found))
        return
    for question in arguments.questions:
        head = None
        for case in cases(question, arguments.smoke):
            command = [sys.executable, __file__, "--case", json.dumps(case), "--rounds", str(arguments.rounds)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
            if head is None:
                head = list(found)
                print(f"\n| {question} | {' | '.join(head)} |\n|{'---|' * (len(head) + 1)}", flush=True)
            words = [f"{key}={value}" for key, value in case.items() if key != "of"]
            print(f"| {' '.join(words)} | {' | '.join(found[name] for name in head)} |", flush=True)


if __name__ == "__main__":
    main()
