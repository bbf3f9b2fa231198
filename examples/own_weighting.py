"""A custom weighting in fifteen lines, compared with the plain sum and PCGrad.

    python examples/own_weighting.py

The method divides each task's gradient by its norm, so that no task pulls harder than another. It reads the Gramian G
of the gradients, whose diagonal holds the squared norms, and returns one weight per task.
"""

import _common
import keras
from keras import ops
from sklearn.datasets import load_digits

import mtl_keras as mtl


@keras.saving.register_keras_serializable("examples")
class UnitGradients(mtl.weightings.GramianWeighting):
    """Weighs each task's gradient by the inverse of its norm.

    Args:
        eps: Smallest norm to divide by.
    """

    def __init__(self, *, eps=1e-8, name=None):
        super().__init__(name=name)
        self.eps = eps

    def call(self, gramian, losses, present):
        norms = ops.sqrt(ops.diagonal(gramian))  # [T]
        return present / ops.maximum(norms, self.eps)

    def get_config(self):
        return {**super().get_config(), "eps": self.eps}


def main():
    arguments = _common.parser(__doc__, epochs=10).parse_args()
    digits = load_digits()
    labels = {"digit": digits.target, "odd": digits.target % 2, "ink": (digits.images.mean(axis=(1, 2)) - 4.9) / 0.54}
    rows = slice(200 if arguments.smoke else 1400)
    train = mtl.data.from_arrays(
        digits.images[rows], {task: y[rows] for task, y in labels.items()}, shuffle=True, seed=arguments.seed
    )
    test = mtl.data.from_arrays(digits.images[1400:], {task: y[1400:] for task, y in labels.items()})
    tasks = [
        mtl.Task("digit", mtl.heads.Multiclass(10)),
        mtl.Task("odd", mtl.heads.Binary()),
        mtl.Task("ink", mtl.heads.Regression()),
    ]
    results = {}
    for name, weighting in {"sum": None, "pcgrad": "pcgrad", "unit gradients": UnitGradients()}.items():
        keras.utils.set_random_seed(arguments.seed)
        model = mtl.build_model((8, 8), tasks, preprocess=keras.layers.Rescaling(1 / 16))
        model.compile("adam", weighting=weighting)
        history = model.fit(train, validation_data=test, epochs=_common.epochs(arguments))
        results[name] = model.evaluate(test, return_dict=True, verbose=0)
    if arguments.plot:
        mtl.plots.history(history, arguments.plot)
    _common.print_table(results, model.task_names)


if __name__ == "__main__":
    main()
