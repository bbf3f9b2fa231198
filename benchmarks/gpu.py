"""What does a training step cost on a GPU? `python benchmarks/gpu.py`.

Each case is a tower, a number of tasks, a precision and a weighting, and a row of the printed table: the time of a step
relative to the plain sum, with alternating steps and the quartiles; and how much the device memory grows within a step.
It also runs on a CPU, but without figures for the memory.
"""

import argparse

import keras
import numpy as np
import tensorflow as tf
from _bench import ratios

import mtl_keras as mtl

TOWERS = {  # name: (the tower, shape of an image, batch, those of --smoke)
    "lenet": (lambda: mtl.towers.LeNet(), (36, 36, 1), 256, 8),
    "resnet18": (lambda: mtl.towers.ResNetImageNet(depth=18), (128, 128, 3), 64, 2),
    "mlp": (lambda: mtl.towers.MLP((2048, 2048)), (1024,), 1024, 8),
}
CASES = [
    {},
    {"weighting": "uncertainty"},
    {"weighting": "pcgrad"},
    {"weighting": "nash_mtl"},
    {"weighting": "graddrop"},
    {"weighting": "pcgrad", "every": 10},
    {"weighting": "pcgrad", "level": "features"},
    {"weighting": "pcgrad", "chunk_size": 2},
]


def compiled(tower, shape, num_tasks, arguments):
    """Returns a model of tasks with ten classes each."""
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task(f"t{i}", mtl.heads.Multiclass(10), metrics=[]) for i in range(num_tasks)]
    model = mtl.build_model(shape, tasks, tower=tower())
    model.compile("adam", **arguments)
    return model


def stepper(model, data, number):
    """Returns a function that makes some training steps, and ends when the device has made them."""
    batches = iter(data)
    model.fit(data, steps_per_epoch=1, verbose=0)  # traces the step

    def run():
        for _ in range(number):
            logs = model.train_function(batches)
        float(logs["loss"])  # waits for the device

    return run


def peak(step, device):
    """Returns the largest memory in a step beyond that before it, in MiB, or "-" for a CPU."""
    if device is None:
        step()
        return "-"
    tf.config.experimental.reset_memory_stats(device)
    before = tf.config.experimental.get_memory_info(device)["current"]
    step()
    return f"{(tf.config.experimental.get_memory_info(device)['peak'] - before) / 2**20:,.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--towers", nargs="+", default=list(TOWERS), choices=TOWERS)
    parser.add_argument("--tasks", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--policies", nargs="+", default=["float32", "mixed_float16", "mixed_bfloat16"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--smoke", action="store_true", help="few and small, to see that it runs")
    arguments = parser.parse_args()
    names, policies, cases, rounds = arguments.towers, arguments.policies, CASES, arguments.rounds
    if arguments.smoke:
        names, policies, cases, rounds = ["lenet"], ["float32", "mixed_bfloat16"], CASES[-2:], 1

    gpus = tf.config.list_physical_devices("GPU")
    device = "GPU:0" if gpus else None
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU") if gpus else "a CPU"
    print(f"{name}, TensorFlow {tf.__version__}, Keras {keras.__version__}")
    if device is None:
        print("There is no GPU: these are times of a CPU, without the memory.")
    print("\n| tower | T | precision | case | step relative to the plain sum | memory of a step in MiB |")
    print("|---|---|---|---|---|---|")
    random = np.random.default_rng(0)
    for tower, num_tasks, policy in [(t, n, p) for t in names for n in arguments.tasks for p in policies]:
        make, shape, batch, small = TOWERS[tower]
        batch = small if arguments.smoke else batch
        x = random.uniform(size=(batch, *shape)).astype("float32")
        y = {f"t{i}": random.integers(0, 10, batch) for i in range(num_tasks)}
        data = tf.data.Dataset.from_tensors((x, y)).cache().repeat()
        for case in cases:
            keras.config.set_dtype_policy(policy)
            number = case.get("every", 1)  # so that each timing has one step that renews the weights
            plain, model = (compiled(make, shape, num_tasks, of) for of in ({}, case))
            steps = {"plain": stepper(plain, data, number), "case": stepper(model, data, number)}
            keras.config.set_dtype_policy("float32")
            memory = peak(steps["case"], device)
            low, median, high = ratios(steps, rounds, warm_up=1 if arguments.smoke else 3)["case"]
            words = " ".join(f"{key}={value}" for key, value in case.items()) or "plain"
            print(
                f"| {tower} | {num_tasks} | {policy} | {words} | {median:.2f} ({low:.2f} to {high:.2f}) | {memory} |",
                flush=True,
            )
            keras.utils.clear_session()


if __name__ == "__main__":
    main()
