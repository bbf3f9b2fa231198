"""A term that a callback adds to the objective."""

import keras


class Penalty:
    """A scalar that is added to the trained sum, and its running mean, logged under `name`.

    Args:
        name: Name in the logs.
        value: Function without arguments that returns the scalar, called in the graph of the training step.
    """

    def __init__(self, name, value):
        self.value = value
        self.mean = keras.metrics.Mean(name=name)
