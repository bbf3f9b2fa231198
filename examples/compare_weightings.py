"""All weightings of the package on MultiMNIST in one table, next to a tuned weighted sum and single-task towers.

    python examples/compare_weightings.py --methods pcgrad nash_mtl famo --seeds 3

Two digits lie on one canvas; the tasks are to name the left and the right one. The network is the LeNet of Sener and
Koltun (2018). Δm is the mean gain of the accuracies over those of one tower per task, in per cent. "sum_tuned" is a
weighted sum of the losses, with the best of three pairs of weights on 5,000 validation images: a method should beat it.
"""

import functools

import _common
import keras
import numpy as np
from sklearn.datasets import load_digits

import mtl_keras as mtl

TASKS = ["left", "right"]
SMOKE = ["famo", "pcgrad", "modo"]  # losses, the Gramian, two halves of a batch


def methods():
    """Returns `{look-up string: class}` of all weightings, without the abstract base classes."""
    classes = [getattr(mtl.weightings, name) for name in mtl.weightings.__all__]
    final = [cls for cls in classes if not any(cls in other.__mro__[1:] for other in classes)]
    return dict(sorted((cls().name, cls) for cls in final))


def load_seed(split, arguments, seed):
    """Returns a part of MultiMNIST, shuffled by a seed."""
    return load(split, arguments, shuffle=True, seed=seed)


def load(split, arguments, seed=0, shuffle=False):
    """Returns a part of MultiMNIST in batches, or the small data of `--smoke`."""
    if arguments.smoke:
        digits = load_digits()
        images = np.kron(digits.images[:256] * 15, np.ones((3, 3))).astype("uint8")  # 24x24
        x, y = mtl.data.multi_mnist(images, digits.target[:256])
    else:
        x, y = mtl.data.multi_mnist("mnist", split=split)
    return mtl.data.from_arrays(x, y, batch_size=64, seed=seed, shuffle=shuffle)


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


def build(steps, weighting=None, sharing="hard", loss_weights=None):
    """Returns a compiled model whose learning rate falls to 0 in `steps` steps."""
    head = mtl.heads.Multiclass(10, hidden=(50,))
    model = mtl.build_model(
        inputs=keras.Input((36, 36, 1), dtype="uint8", name="image"),
        tasks=[mtl.Task(task, head) for task in TASKS],
        tower=lenet(),
        sharing=sharing,
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    model.compile(optimizer, weighting=weighting and methods()[weighting](), loss_weights=loss_weights)
    return model


def candidates(names):
    """Returns the candidates of the comparison, without methods that need more than two tasks."""
    found = {"single_task": {"sharing": "single_task"}, "sum_tuned": {"loss_weights": mtl.study.LossWeights(TASKS)}}
    for name in names:
        try:
            build(1, name)
            found[name] = {"weighting": name}
        except ValueError as error:
            print(f"{name} is left out: {error}")
    return found


def print_table(study):
    print(f"\n{'method':16}{'reads':10}{'left':>8}{'right':>8}{'Δm %':>8}{'ms/step':>9}")
    for name in sorted(study.candidates, key=lambda name: -gain(study, name)):
        left, right = (_common.means(study, name)[f"{task}_accuracy"] for task in TASKS)
        reads = methods()[name]().reads if name in methods() else "losses" if name == "sum_tuned" else "-"
        milliseconds = np.mean([1e3 / run["steps_per_second"] for run in study.runs(name).values()])
        print(f"{name:16}{reads:10}{left:8.4f}{right:8.4f}{gain(study, name):8.2f}{milliseconds:9.1f}")


def gain(study, name):
    return 0.0 if name == study.baseline else study.gains[name]["all tasks"].mean


def main():
    parser = _common.parser(__doc__, epochs=4)
    parser.add_argument("--methods", nargs="+", choices=methods(), metavar="METHOD", help="all by default")
    parser.add_argument("--examples", type=int, default=10_000, help="training images, 55,000 at most")
    parser.add_argument("--seeds", type=int, default=1, help="how often each method is trained, 1 by default")
    parser.add_argument("--storage", metavar="FILE", help="where to store the runs, to continue after an interruption")
    arguments = parser.parse_args()
    if not 0 < arguments.examples <= 55_000:
        parser.error(f"--examples must be from 1 to 55000, not {arguments.examples}")
    parts = [
        functools.partial(load_seed, f"train[:{arguments.examples}]", arguments),
        load("train[55000:]", arguments),
        load("test", arguments),
    ]
    epochs = _common.epochs(arguments)
    study = mtl.study.compare(
        functools.partial(build, epochs * len(parts[0](0))),
        candidates(arguments.methods or (SMOKE if arguments.smoke else methods())),
        *parts,
        baseline="single_task",
        trials=1 if arguments.smoke else 3,
        seeds=1 if arguments.smoke else arguments.seeds,
        epochs=epochs,
        storage=arguments.storage,
        seed=arguments.seed,
    )
    if arguments.plot:
        runs = {
            name: list(zip(*(study.figures(name, t).values() for t in TASKS), strict=True)) for name in study.candidates
        }
        mtl.plots.pareto(runs, [f"{task} accuracy" for task in TASKS], baseline="single_task", path=arguments.plot)
    print(f"\n{study}")
    print_table(study)


if __name__ == "__main__":
    main()
