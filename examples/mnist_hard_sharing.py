"""MNIST with one shared LeNet for three tasks: which digit, whether it is odd, and how much ink it has.

    python examples/mnist_hard_sharing.py --baseline

`--baseline` trains a model with a tower of its own for each task as well, three times the parameters: what sharing
has to beat. The first run downloads MNIST through tensorflow-datasets.
"""

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
    # The mean pixel, in standard deviations from its mean.
    "ink": lambda image, label: (tf.reduce_mean(tf.cast(image, tf.float32)) - 33.3) / 11.1,
}


def load(split, arguments, **options):
    """Returns a part of MNIST in batches, or the small data of `--smoke`."""
    if arguments.smoke:
        return _common.smoke_set((28, 28, 1), LABELS, **options)
    return mtl.data.tfds("mnist", split, LABELS, batch_size=64, seed=arguments.seed, **options)


def train(sharing, arguments):
    """Returns what a model reaches on the test set, and its history."""
    keras.utils.set_random_seed(arguments.seed)
    train = load("train[:55000]", arguments, shuffle=True)
    valid, test = load("train[55000:]", arguments), load("test", arguments)
    epochs = _common.epochs(arguments)
    model = mtl.build_model(
        inputs=keras.Input((28, 28, 1), dtype="uint8", name="image"),
        tasks=TASKS,
        tower="lenet",
        sharing=sharing,
        preprocess=keras.layers.Rescaling(1 / 255),
        name=sharing,
    )
    print(f"\n{sharing}: {model.count_params():,} parameters")
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(train))))
    history = model.fit(train, validation_data=valid, epochs=epochs)
    return model.evaluate(test, return_dict=True, verbose=0), history


def main():
    parser = _common.parser(__doc__, epochs=3)
    parser.add_argument("--baseline", action="store_true", help="train a tower for each task as well")
    arguments = parser.parse_args()
    results = {}
    for sharing in ("single_task", "hard") if arguments.baseline else ("hard",):
        results[sharing], history = train(sharing, arguments)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    _common.print_table(results, [task.name for task in TASKS])


if __name__ == "__main__":
    main()
