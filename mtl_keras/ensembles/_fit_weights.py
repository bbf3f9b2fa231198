"""Finds the weights of the members with the lowest loss on held-out data."""

from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras.data._rows import batches_of
from mtl_keras.ensembles._assemble import assembled, joined, with_head
from mtl_keras.ensembles._members import tasks_of
from mtl_keras.ensembles._predicted import as_inputs, check_labels, fitted, predicted
from mtl_keras.linalg import crf
from mtl_keras.linalg.pooling import pool_outputs

_MAX_ITERS = 100


def fit_weights(members: list, way: str, valid: Any) -> dict[str, list[float]]:
    """Returns `{task: weights of the members}`, with sum 1, that minimise the loss of each task on data.

    Args:
        members: Checked models.
        way: As in `layers.PoolPredictions`.
        valid: Held-out data.
    """
    graph, of_members = joined(members)
    tasks = tasks_of(members[0])
    outputs = {task.name: [of_member[task.name] for of_member in of_members] for task in tasks}
    batches = predicted(graph.inputs, outputs, batches_of("valid", valid))
    check_labels("valid", batches, list(outputs))
    weights = {}
    for task in tasks:
        inputs = as_inputs(outputs[task.name])
        pool = _TrainedPool(task.head.output_kind, way)
        head = task.head if way == "geometric" else task.head.pooled()
        output = {task.name: pool(list(inputs.values()))}
        model = assembled(inputs, output, [with_head(task, head)], {task.name: members[0]})
        fitted(model, batches, _MAX_ITERS)
        shares = np.exp(pool.logits.numpy().astype("float64") - pool.logits.numpy().max())
        weights[task.name] = (shares / shares.sum()).tolist()
    return weights


class _TrainedPool(keras.layers.Layer):
    """Pools predictions with trained weights."""

    def __init__(self, kind, way):
        super().__init__(dtype="float32")
        self.kind, self.way = kind, way
        self.supports_masking = True

    def build(self, input_shape):
        self.logits = self.add_weight(shape=(len(input_shape),), initializer="zeros", name="logits")

    def call(self, outputs):
        return pool_outputs(self.kind, self.way, outputs, ops.softmax(self.logits))

    def compute_mask(self, inputs, mask=None):
        return crf.unpack(inputs[0])[2] if self.kind == "chain" and self.way != "geometric" else None
