"""MNIST with one tower per task, held together by a penalty: strength 0, a small and a large one in one table.

    python examples/mnist_soft_sharing.py

The penalty is strength · Σ ‖θ_i − θ_j‖² over the pairs of towers. With strength 0, the tasks share nothing; a large
strength ends with the same tower for all tasks. Only a tenth of MNIST is used, so that sharing can help more.
"""

import functools

import _common
import keras
import tensorflow as tf

import mtl_keras as mtl

TASKS = [
    mtl.Task("digit", mtl.heads.Multiclass(10)),
    mtl.Task("odd", mtl.heads.Binary()),
    mtl.Task("ink", mtl.heads.Regression(), weight=0.1),
]
LABELS = {
    "digit": lambda image, label: label,
    "odd": lambda image, label: label % 2,
    # The mean pixel, standardized.
    "ink": lambda image, label: (tf.reduce_mean(tf.cast(image, tf.float32)) - 33.3) / 11.1,
}


def load(split, arguments, seed=0, **options):
    """Returns a part of MNIST in batches, or the small data of `--smoke`."""
    if arguments.smoke:
        return _common.smoke_set((28, 28, 1), LABELS, seed=seed, **options)
    return mtl.data.tfds("mnist", split, LABELS, batch_size=64, seed=seed, **options)


def load_train(arguments, seed):
    return load("train[:6000]", arguments, seed, shuffle=True)


def build(strength=0.0):
    """Returns a compiled model, and the callback that keeps its towers close to each other."""
    model = mtl.build_model(
        inputs=keras.Input((28, 28, 1), dtype="uint8", name="image"),
        tasks=TASKS,
        tower="lenet",
        sharing="soft",
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    model.compile("adam")
    return model, [mtl.callbacks.SoftSharing(strength)]


def main():
    parser = _common.parser(__doc__, epochs=8)
    parser.add_argument("--strengths", type=float, nargs="+", default=[0, 1e-4, 1e-2], help="the first is the baseline")
    parser.add_argument("--seeds", type=int, default=1, help="how often each model is trained, 1 by default")
    arguments = parser.parse_args()
    names = {f"{strength:g}": strength for strength in arguments.strengths[: 2 if arguments.smoke else None]}
    study = mtl.study.compare(
        build,
        {name: {"strength": strength} for name, strength in names.items()},
        functools.partial(load_train, arguments),
        load("train[55000:]", arguments),
        load("test", arguments),
        baseline=next(iter(names)),
        seeds=arguments.seeds,
        epochs=_common.epochs(arguments),
        seed=arguments.seed,
    )
    _common.plot(study, arguments.plot)
    print(f"\n{study}\n\nBy strength of the penalty:", end="")
    results = {name: _common.means(study, name) for name in names}
    for name, result in results.items():
        ends = [run["history"]["tower_distance"][-1] for run in study.runs(name).values()]
        result["towers_distance"] = sum(ends) / len(ends)
    _common.print_table(results, [*study.tasks, "towers"])


if __name__ == "__main__":
    main()
