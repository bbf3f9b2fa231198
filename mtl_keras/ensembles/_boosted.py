"""The state of a task in boosting, from one member to the next."""

from typing import Any

import numpy as np
from keras import ops

from mtl_keras.ensembles._samme import samme
from mtl_keras.linalg import crf


class Votes:
    """A task with classes: members vote with the weights of SAMME.

    Args:
        task: The `Task`.
        y: Labels [N, ...].
        weight: Their weights, 0 for missing ones.
        shape: Shape of the output.
        learning_rate: Factor of the weights of members.
    """

    def __init__(self, task, y, weight, shape, learning_rate):
        self.kind, self.learning_rate = task.head.output_kind, learning_rate
        self.targets = y
        self.by_entry = self.kind == "events" and y[:1].size == np.prod(shape[1:])  # not for a rank of thresholds
        self.labels = y.reshape(len(y), *shape[1:]) if self.by_entry else y
        self.num_classes = 2 if self.by_entry else shape[-1] + (self.kind == "events")
        self.alphas: list[np.ndarray] = []
        spread = weight.reshape(*weight.shape, *(1,) * (y.ndim - weight.ndim))
        weights = np.broadcast_to(spread, y.shape).astype("float64")
        self.weights = weights / max(weights[weights > 0].mean() if weights.any() else 1.0, 1e-30)

    def learn(self, output: np.ndarray, there: np.ndarray) -> None:
        """Updates the state from the output of a new member on the rows, and the weights with masks.

        Args:
            output: [N, ...]
            there: Weights of the labels, 0 for missing ones and for padding.
        """
        spread = np.asarray(there).reshape(*there.shape, *(1,) * (self.targets.ndim - there.ndim))
        weights = self.weights * (np.broadcast_to(spread, self.targets.shape) != 0)
        wrong = (self._decided(output) != self.labels).reshape(len(output), -1)
        columns = (-1, wrong.shape[1]) if self.by_entry else (-1, 1)
        alphas, new = samme(wrong.reshape(columns), weights.reshape(columns), self.num_classes, self.learning_rate)
        self.alphas.append(alphas)
        self.weights = new.reshape(self.targets.shape)

    def _decided(self, output):
        """Returns the decisions in the shape of the labels."""
        if self.kind == "chain":
            return ops.convert_to_numpy(crf.viterbi(*crf.unpack(output)))
        if self.kind == "classes":
            return output.argmax(axis=-1).reshape(self.labels.shape)
        above = output > 0.5
        return above if self.by_entry else above.sum(axis=-1).reshape(self.labels.shape)

    def pool(self) -> tuple[str, Any, float, float]:
        """Returns the way, the weights of the members, the votes of a tie and the factor of the pooled output."""
        alphas = np.array(self.alphas)  # [M, columns]
        alphas[:, alphas.sum(axis=0) == 0] = 1.0  # no member is better than chance
        tie = 1e-3 * float(alphas[alphas > 0].min())
        return "vote", (alphas if self.by_entry else alphas[:, 0]).tolist(), tie, 1.0


class Residuals:
    """A task with numbers: each member learns the residual of the members before it.

    Args:
        task, y, weight, shape, learning_rate: As in `Votes`.
    """

    def __init__(self, task, y, weight, shape, learning_rate):
        self.learning_rate = learning_rate
        self.targets, self.weights = y.astype("float32"), weight
        self.num_members = 0

    def learn(self, output: np.ndarray, there: np.ndarray) -> None:
        """Updates the state from the output of a new member on the rows."""
        self.targets = self.targets - self.learning_rate * output.reshape(self.targets.shape)
        self.num_members += 1

    def pool(self) -> tuple[str, Any, float, float]:
        """Returns the way, the weights of the members, the votes of a tie and the factor of the pooled output."""
        return "mean", None, 0.5, self.learning_rate * self.num_members
