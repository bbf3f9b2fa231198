"""What does `MultiTaskModel.fit` cost, compared with `keras.Model.fit`? `python benchmarks/fit_overhead.py`.

The same LeNet with two outputs on 28x28 images, batch 256, the same data from `from_arrays`, losses and metrics.
"""

import argparse

import keras
import numpy as np
from _bench import report

import mtl_keras as mtl


def compiled(make):
    """Returns a compiled model that `make` builds from inputs and outputs."""
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((28, 28, 1), tasks, tower="lenet")
    model = make(model.inputs[0], dict(model.output))
    model.compile(
        "adam",
        loss={"digit": "sparse_categorical_crossentropy", "odd": "binary_crossentropy"},
        metrics={"digit": ["accuracy"], "odd": ["accuracy"]},
    )
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    x = random.uniform(size=(arguments.examples, 28, 28, 1)).astype("float32")
    digit = random.integers(0, 10, arguments.examples)
    ones = np.ones(arguments.examples, "float32")
    labels = {"digit": digit, "odd": digit % 2}
    for question, weights in (("no sample weights", None), ("sample weights", {"digit": ones, "odd": ones})):
        train = mtl.data.from_arrays(x, labels, 256, sample_weight=weights)
        models = {"keras.Model": compiled(keras.Model), "MultiTaskModel": compiled(mtl.MultiTaskModel)}
        runs = {
            name: lambda model=model, train=train: model.fit(train, shuffle=False, verbose=0)
            for name, model in models.items()
        }
        report(f"fit of a LeNet, {question}", runs, arguments.rounds)


if __name__ == "__main__":
    main()
