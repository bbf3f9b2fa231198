"""The state of a training that Keras does not save: the seeds of the layers and the number of steps."""

from typing import Any

import keras
import numpy as np


class Progress(keras.layers.Layer):
    """Saves the states of all seed generators in a model's layers, and the number of trained steps.

    It is not a part of the model. Keras saves it as an attribute of the model, beside the layers. A program that loads
    the file as a plain `keras.Model` ignores it.

    Args:
        model: The model.

    Attributes:
        num_steps: Number of steps that `fit` trained with the model's optimizer, including skipped ones.
    """

    def __init__(self, model: keras.Model):
        super().__init__(name="progress")
        self.num_steps = 0
        self._seeds = lambda: _seeds(model)  # in a function, because a layer would track a model in its attributes

    def start(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Sets the number of steps when a `fit` begins: to 0 if the optimizer has made none.

        The optimizer does not know this number: its `iterations` leave out skipped steps, and count several steps whose
        gradients are accumulated as one. Steps of `train_on_batch` are not counted here either.
        """
        made = int(optimizer.iterations.numpy())
        self.num_steps = max(self.num_steps, made) if made else 0

    def save_own_variables(self, store: Any) -> None:
        store["num_steps"] = np.array(self.num_steps, "int64")
        for i, seed in enumerate(self._seeds()):
            store[f"seed{i}"] = seed

    def load_own_variables(self, store: Any) -> None:
        found = {key: store[key] for key in list(store.keys())}  # empty in files of older versions
        self.num_steps = int(found.pop("num_steps", 0))
        seeds = self._seeds()
        if len(found) == len(seeds):  # otherwise the seeds belong to other layers
            for i, seed in enumerate(seeds):
                seed.assign(found[f"seed{i}"])


def _seeds(model: keras.Model) -> list[keras.Variable]:
    """Returns the states of the seed generators in a model's layers, which Keras does not count as weights."""
    weights = {id(v) for v in model.weights}
    variables = {id(v): v for layer in model.layers for v in layer.variables if id(v) not in weights}
    return list(variables.values())
