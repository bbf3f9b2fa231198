"""MNIST with a tower for each task, held together by a penalty: no, a small and a large strength in one table.

    python examples/mnist_soft_sharing.py

The penalty is strength · Σ ‖θ_i − θ_j‖² over the pairs of towers. Strength 0 is training without sharing; a large one
ends with the same tower for all. A tenth of MNIST is used, where the tasks have more to learn from each other.
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


def train(strength, data, arguments):
    """Returns what a model reaches on the test set with how far its towers are apart, and its history."""
    keras.utils.set_random_seed(arguments.seed)
    train, valid, test = data
    model = mtl.build_model(
        inputs=keras.Input((28, 28, 1), dtype="uint8", name="image"),
        tasks=TASKS,
        tower="lenet",
        sharing="soft",
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    model.compile("adam")
    print(f"\nstrength {strength:g}: {model.count_params():,} parameters")
    callback = mtl.callbacks.SoftSharing(strength)
    history = model.fit(train, validation_data=valid, epochs=_common.epochs(arguments), callbacks=[callback])
    result = model.evaluate(test, return_dict=True, verbose=0)
    return {**result, "towers_distance": history.history["tower_distance"][-1]}, history


def main():
    parser = _common.parser(__doc__, epochs=8)
    parser.add_argument("--strengths", type=float, nargs="+", default=[0, 1e-4, 1e-2])
    arguments = parser.parse_args()
    data = load("train[:6000]", arguments, shuffle=True), load("train[55000:]", arguments), load("test", arguments)
    results = {}
    for strength in arguments.strengths[: 2 if arguments.smoke else None]:
        results[f"{strength:g}"], history = train(strength, data, arguments)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    print("\nBy strength of the penalty:", end="")
    _common.print_table(results, [*(task.name for task in TASKS), "towers"])


if __name__ == "__main__":
    main()
