"""Two data sets with one task each, one of them small: one LeNet on the digits of MNIST and of scikit-learn.

    python examples/two_sources.py

The 28x28 images of MNIST have the label `odd`. 1,000 of scikit-learn's 8x8 digits, enlarged, have the label `digit`.
Each model is trained on a mix of both with a different strategy, for the same number of steps. The table has the
figures of both tasks. The first run downloads MNIST through tensorflow-datasets.
"""

import _common
import keras
import numpy as np
from sklearn.datasets import load_digits

import mtl_keras as mtl

TASKS = [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("digit", mtl.heads.Multiclass(10))]
STRATEGIES = {
    "proportional": "proportional",
    "temperature 2": mtl.data.Temperature(2.0),
    "annealed": None,  # needs the number of epochs
    "uniform": "uniform",
}


def load_mnist(split, arguments):
    """Returns MNIST's images with the task "odd"; with `--smoke`, enlarged digits of scikit-learn."""
    tasks = {"odd": lambda image, label: label % 2}
    if arguments.smoke:
        return _common.smoke_set((28, 28, 1), tasks)
    return mtl.data.tfds("mnist", split, tasks, batch_size=64)


def load_small(rows):
    """Returns scikit-learn's digits, enlarged to 28x28, with the task "digit"."""
    digits = load_digits()
    images = np.kron(digits.images[rows] * 15, np.ones((3, 3)))  # 24x24
    images = np.pad(images, [(0, 0), (2, 2), (2, 2)])[..., None].astype("uint8")
    return mtl.data.from_arrays(images, {"digit": digits.target[rows]}, batch_size=64)


def train(strategy, data, test, arguments):
    """Returns the figures of a model on the test sets, and its history."""
    keras.utils.set_random_seed(arguments.seed)
    steps = 20 if arguments.smoke else 200
    mixed = mtl.data.mix(data, strategy, batch_size=64, steps_per_epoch=steps, seed=arguments.seed)
    model = mtl.build_model(
        inputs=keras.Input((28, 28, 1), dtype="uint8", name="image"),
        tasks=TASKS,
        tower="lenet",
        preprocess=keras.layers.Rescaling(1 / 255),
    )
    model.compile(keras.optimizers.Adam(1e-3))
    history = model.fit(mixed, epochs=_common.epochs(arguments), verbose=2)
    return model.evaluate(test, return_dict=True, verbose=0), history


def main():
    parser = _common.parser(__doc__, epochs=5)
    arguments = parser.parse_args()
    data = {"mnist": load_mnist("train", arguments), "small": load_small(slice(1000))}
    test = mtl.data.mix(
        {"mnist": load_mnist("test", arguments), "small": load_small(slice(1000, None))}, batch_size=256
    )
    results = {}
    for name, strategy in STRATEGIES.items():
        strategy = strategy or mtl.data.Annealed(max(_common.epochs(arguments), 2))
        print(f"\n{name}")
        results[name], history = train(strategy, data, test, arguments)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    _common.print_table(results, [task.name for task in TASKS])


if __name__ == "__main__":
    main()
