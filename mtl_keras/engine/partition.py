"""Which variables the tasks share, found from the functional graph."""

import keras

from mtl_keras.engine.graph import SHARED, Reach


class Partition:
    """The trainable variables of a functional model by the outputs that they reach.

    A variable is own if the graph of exactly one output contains it, and shared if the graphs of two or more do.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.

    Attributes:
        shared: List of the variables that two or more outputs reach, in the model's order.
        own: `{task: list of the variables that it alone reaches}`.
    """

    def __init__(self, model: keras.Model):
        self.own = Reach(model).variables()
        self.shared = self.own.pop(SHARED)
