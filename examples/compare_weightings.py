"""Every weighting of the package on MultiMNIST, in one table, beside a tuned weighted sum and single-task towers.

    python examples/compare_weightings.py --methods pcgrad nash_mtl famo

Two digits lie on one canvas: name the left and the right one. The network is the LeNet of Sener and Koltun (2018). Δm
is the mean over the tasks of how much the accuracy is above that of a tower for each task, trained in the same run, in
per cent. "sum_a_b" weighs the losses by a and b, the best of a grid on 5,000 validation images: to tune costs as many
runs as the grid is long, and a method should beat it. One seed. A method takes about 45 seconds of processor time.
"""

import time

import _common
import keras
import numpy as np
from sklearn.datasets import load_digits

import mtl_keras as mtl

TASKS = ["left", "right"]
GRID = [0.3, 0.5, 0.7]  # weights of the left loss
SMOKE = ["famo", "pcgrad", "modo"]  # losses, the Gramian, two halves of a batch


def methods():
    """Returns `{look-up string: class}` of all weightings; a class that others derive from is an abstract one."""
    classes = [getattr(mtl.weightings, name) for name in mtl.weightings.__all__]
    final = [cls for cls in classes if not any(cls in other.__mro__[1:] for other in classes)]
    return dict(sorted((cls().name, cls) for cls in final))


def load(split, arguments, **options):
    """Returns a part of MultiMNIST in batches, or the small data of `--smoke`."""
    if arguments.smoke:
        digits = load_digits()
        images = np.kron(digits.images[:256] * 15, np.ones((3, 3))).astype("uint8")  # 24x24
        x, y = mtl.data.multi_mnist(images, digits.target[:256])
    else:
        x, y = mtl.data.multi_mnist("mnist", split=split)
    return mtl.data.from_arrays(x, y, batch_size=64, seed=arguments.seed, **options)


def lenet():
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


class StepClock(keras.callbacks.Callback):
    """Measures the median time of a step, which pauses of the machine leave alone."""

    def on_train_begin(self, logs=None):
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.perf_counter())

    def milliseconds(self):
        return 1e3 * float(np.median(np.diff(self.times)))


def train(data, arguments, *, weighting=None, sharing="hard", loss_weights=(1.0, 1.0)):
    """Returns the accuracies on the validation and on the test set [2, T], and the milliseconds of a step."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(arguments.seed)
    batches, *held_out = data
    epochs = _common.epochs(arguments)
    head = mtl.heads.Multiclass(10, hidden=(50,))
    model = mtl.build_model(
        inputs=keras.Input((36, 36, 1), dtype="uint8", name="image"),
        tasks=[mtl.Task(task, head, weight=weight) for task, weight in zip(TASKS, loss_weights, strict=True)],
        tower=lenet(),
        sharing=sharing,
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate), weighting=weighting)
    clock = StepClock()
    model.fit(batches, epochs=epochs, verbose=0, callbacks=[clock])
    results = [model.evaluate(part, return_dict=True, verbose=0) for part in held_out]
    return np.array([[result[f"{task}_accuracy"] for task in TASKS] for result in results]), clock.milliseconds()


def compare(data, arguments):
    """Returns `{method: (what it reads, accuracies on the test set [T], milliseconds)}`, the single tasks first."""
    rows = {}

    def add(name, reads, accuracies, milliseconds):
        rows[name] = (reads, accuracies[1], milliseconds)
        print(f"{name}: {accuracies[1].round(4)}, {milliseconds:.0f} ms per step", flush=True)

    add("single_task", "-", *train(data, arguments, sharing="single_task"))
    grid = {a: train(data, arguments, loss_weights=(a, 1 - a)) for a in GRID[: 1 if arguments.smoke else None]}
    best = max(grid, key=lambda a: grid[a][0][0].mean())
    add(f"sum_{best:.1f}_{1 - best:.1f}", "losses", *grid[best])
    for name in arguments.methods or (SMOKE if arguments.smoke else methods()):
        weighting = methods()[name]()
        try:
            add(name, weighting.reads, *train(data, arguments, weighting=weighting))
        except ValueError as error:  # a method that is not made for two tasks
            print(f"{name} is left out: {error}")
    return rows


def print_table(rows):
    figures = {name: dict(zip(TASKS, accuracies, strict=True)) for name, (_, accuracies, _) in rows.items()}
    gains = {name: mtl.metrics.delta_m(of_method, figures["single_task"]) for name, of_method in figures.items()}
    print(f"\n{'method':16}{'reads':10}{'left':>8}{'right':>8}{'Δm %':>8}{'ms/step':>9}")
    for name in sorted(rows, key=gains.get, reverse=True):
        reads, (left, right), milliseconds = rows[name]
        print(f"{name:16}{reads:10}{left:8.4f}{right:8.4f}{gains[name]:8.2f}{milliseconds:9.1f}")


def plot(rows, path):
    """Draws the accuracy of one task against that of the other: up and to the right is better."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(7, 7), dpi=120, layout="constrained")).add_subplot()
    for name, (_, (left, right), _) in rows.items():
        axes.scatter(left, right, color="C3" if name == "single_task" else "C0", s=12)
        axes.annotate(name, (left, right), fontsize=7)
    axes.set(xlabel="left accuracy", ylabel="right accuracy")
    figure.savefig(path)


def main():
    parser = _common.parser(__doc__, epochs=4)
    parser.add_argument("--methods", nargs="+", choices=methods(), metavar="METHOD", help="all by default")
    parser.add_argument("--examples", type=int, default=10_000, help="training images, 55,000 at most")
    arguments = parser.parse_args()
    if not 0 < arguments.examples <= 55_000:
        parser.error(f"--examples must be from 1 to 55000, not {arguments.examples}")
    training = load(f"train[:{arguments.examples}]", arguments, shuffle=True)
    rows = compare((training, load("train[55000:]", arguments), load("test", arguments)), arguments)
    if arguments.plot:
        plot(rows, arguments.plot)
    print_table(rows)


if __name__ == "__main__":
    main()
