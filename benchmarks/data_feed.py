"""Does `from_arrays` feed `fit` as fast as plain arrays in Keras? Ratios below 1 mean that it is faster."""

import argparse

import keras
import numpy as np
from _bench import report

from mtl_keras import data

BATCH = 256


def lenet():
    return [
        keras.layers.Conv2D(6, 5, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(16, 5, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(120, activation="relu"),
        keras.layers.Dense(84, activation="relu"),
    ]


def almost_nothing():
    return [keras.layers.MaxPooling2D(28), keras.layers.Flatten()]


def compiled(layers, tasks=("digit",)):
    image = features = keras.Input((28, 28, 1))
    for layer in layers:
        features = layer(features)
    model = keras.Model(image, {task: keras.layers.Dense(10)(features) for task in tasks})
    model.compile("sgd", loss={task: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for task in tasks})
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--without-lenet", action="store_true")
    arguments = parser.parse_args()

    random = np.random.default_rng(0)
    x = random.integers(0, 255, (arguments.examples, 28, 28, 1)).astype(arguments.dtype)
    y = {"digit": random.integers(0, 10, arguments.examples)}

    questions = (
        {"fit of almost nothing": almost_nothing}
        if arguments.without_lenet
        else {"fit of almost nothing": almost_nothing, "fit of a LeNet": lenet}
    )
    for shuffle in (True, False):
        train = data.from_arrays(x, y, BATCH, shuffle=shuffle)
        for question, layers in questions.items():
            model = compiled(layers())
            report(
                f"{question}, shuffle={shuffle}",
                {
                    "arrays": lambda model=model, shuffle=shuffle: model.fit(
                        x, y, batch_size=BATCH, shuffle=shuffle, verbose=0
                    ),
                    "from_arrays": lambda model=model, train=train: model.fit(train, shuffle=False, verbose=0),
                },
                arguments.rounds,
            )


if __name__ == "__main__":
    main()
