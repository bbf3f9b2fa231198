"""MNIST with one shared LeNet for three tasks: which digit it is, whether it is odd, and how much ink it has.

    python examples/mnist_hard_sharing.py --baseline --seeds 3

`--baseline` compares it with one tower per task, which has three times the parameters. With two or more seeds, it also
prints a verdict. The first run downloads MNIST through tensorflow-datasets.
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
    return load("train[:55000]", arguments, seed, shuffle=True)


def build(steps, sharing="hard"):
    """Returns a compiled model whose learning rate falls to 0 in `steps` steps."""
    model = mtl.build_model(
        inputs=keras.Input((28, 28, 1), dtype="uint8", name="image"),
        tasks=TASKS,
        tower="lenet",
        sharing=sharing,
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)))
    return model


def main():
    parser = _common.parser(__doc__, epochs=3)
    parser.add_argument("--baseline", action="store_true", help="also train one tower per task")
    parser.add_argument("--seeds", type=int, default=1, help="how often each model is trained, 1 by default")
    arguments = parser.parse_args()
    train, epochs = functools.partial(load_train, arguments), _common.epochs(arguments)
    names = ["single_task", "hard"] if arguments.baseline else ["hard"]
    study = mtl.study.compare(
        functools.partial(build, epochs * len(train(0))),
        {name: {"sharing": name} for name in names},
        train,
        load("train[55000:]", arguments),
        load("test", arguments),
        baseline=names[0],
        seeds=arguments.seeds,
        epochs=epochs,
        seed=arguments.seed,
    )
    _common.plot(study, arguments.plot)
    print(f"\n{study}")
    _common.print_table({name: _common.means(study, name) for name in names}, study.tasks)


if __name__ == "__main__":
    main()
