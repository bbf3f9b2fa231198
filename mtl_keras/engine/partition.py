"""Which variables the tasks share, found from the functional graph."""

import keras


class Partition:
    """The trainable variables of a functional model by the outputs that they reach.

    A variable is own if the graph of exactly one output contains it, and shared if the graphs of two or more
    do. Found by cutting the model down to one output after the other, whatever made the graph.

    Args:
        model: A functional `keras.Model` whose outputs are a dict by task name.

    Attributes:
        shared: List of the variables that two or more outputs reach, in the model's order.
        own: `{task: list of the variables that it alone reaches}`.
        reach: `{task: list of bool, whether it reaches each of `shared`}`.
    """

    def __init__(self, model):
        outputs = model.output
        reached = {
            task: {id(v) for v in keras.Model(model.inputs, output).trainable_variables}
            for task, output in outputs.items()
        }
        variables = model.trainable_variables
        counts = {id(v): sum(id(v) in ids for ids in reached.values()) for v in variables}
        self.shared = [v for v in variables if counts[id(v)] > 1]
        self.own = {
            task: [v for v in variables if counts[id(v)] == 1 and id(v) in ids] for task, ids in reached.items()
        }
        self.reach = {task: [id(v) in ids for v in self.shared] for task, ids in reached.items()}
