"""Finds in the functional graph which variables the tasks share."""

import keras

from mtl_keras.engine.graph import SHARED, Reach, with_inner


class Partition:
    """The trainable variables of a functional model by the outputs that they reach.

    A variable is own if the graph of exactly one output contains it, and shared if the graphs of two or more do.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.

    Attributes:
        shared: List of the variables that two or more outputs reach, in the model's order.
        own: `{task: list of the variables that only it reaches}`.
        own_state: `{task: list of the variables that its own layers update}`: averages and seeds.
        reached: `{task: list of all variables that it reaches}`.
    """

    def __init__(self, model: keras.Model):
        reach = Reach(model)
        self.own = reach.variables()
        self.shared = self.own.pop(SHARED)
        frozen = {id(v) for layer in with_inner(model.layers) if not layer.trainable for v in layer.weights}
        state = reach.variables("non_trainable_variables")
        self.own_state = {task: [v for v in state[task] if id(v) not in frozen] for task in self.own}
        self.reached = reach.reached()
