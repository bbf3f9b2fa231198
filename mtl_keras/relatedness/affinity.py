"""How much a step for one task lowers the losses of the others, averaged over a training."""

from typing import Any

import numpy as np

from mtl_keras._arguments import count, error
from mtl_keras.callbacks import Affinity
from mtl_keras.models import MultiTaskModel
from mtl_keras.relatedness._inputs import as_batches, check_model
from mtl_keras.relatedness.matrix import Matrix


def affinity(
    source: MultiTaskModel | Affinity,
    train: Any = None,
    epochs: int = 1,
    every: int = 10,
    rate: float | None = None,
    batch_size: int = 32,
) -> Matrix:
    """Measures how much a step for one task lowers the losses of the others, averaged over a training (TAG).

    Every n steps, a step along the gradient of task i is tried on the shared variables, and then undone. The affinity
    of i to j is the mean of 1 − L_j(after) / L_j(before). It takes one training of all tasks together. It predicts only
    weakly which tasks gain from each other in the end (Azorin et al.). Its size depends on the learning rate: compare
    only numbers of the same matrix.

    Cost: the training, plus T backward and 1 + T forward passes every n steps.

    Args:
        source: A compiled `MultiTaskModel`, which is trained; or a `callbacks.Affinity` with records of your own `fit`,
            without the other arguments.
        train: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays, or a `tf.data.Dataset` of batches.
        epochs: Number of epochs, at least 1.
        every: The affinities are measured every n steps, at least 1.
        rate: Learning rate of the tried steps, above 0; None for the current learning rate of the optimizer.
        batch_size: Number of rows in a batch, for arrays.

    Returns:
        A `Matrix` with `gain=True`: `values[i, j]` is the effect of task i on task j, on the diagonal on itself. Its
        `rows` are numbers of records; NaN with a reason if no batch had labels of both tasks.

    Raises:
        ValueError: If an argument is not valid, the callback has no record, or the tasks share nothing.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8,), tasks, tower=mtl.towers.MLP((6,)))
    model.compile(keras.optimizers.SGD(0.1))
    data = np.random.default_rng(0).normal(size=(64, 8)), {"digit": np.arange(64) % 10, "odd": np.arange(64) % 2}
    matrix = mtl.relatedness.affinity(model, data, every=1)
    matrix["digit", "odd"]
    ```

    Reference: C. Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task Learning", 2021. R. Azorin et
    al., "It's a Match: A Benchmark of Task Affinity Scores for Joint Learning", 2023.
    """
    callback = source if isinstance(source, Affinity) else _trained(source, train, epochs, every, rate, batch_size)
    if not len(callback.steps):
        raise ValueError(
            "`source` must be a callback that has recorded. Received: one without a record. Call `fit` with it first."
        )
    found = callback.affinities.astype("float64")
    known = np.isfinite(found)
    rows = known.sum(axis=0)
    mean = np.where(known, found, 0.0).sum(axis=0) / np.where(rows, rows, np.nan)
    names = callback.task_names
    reasons = {
        (a, b): "no batch has labels of both"
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if not rows[i, j]
    }
    return Matrix(names, mean, "affinity", rows, reasons=reasons, gain=True)


def _trained(model, train, epochs, every, rate, batch_size):
    """Trains the model with a new callback, and returns the callback."""
    check_model(model)
    if train is None:
        raise ValueError(error("train", "arrays `(x, {task: y})` or a dataset", train))
    options = {"epochs": count("epochs", epochs), "verbose": 0}
    callback = Affinity(every, rate)
    batches = as_batches(train, count("batch_size", batch_size), shuffle=True)
    model.fit(batches, callbacks=[callback], **options)
    return callback
