"""How well the gradients of tasks agree."""

import math
from typing import Any

import numpy as np

from mtl_keras._arguments import count
from mtl_keras._extras import need
from mtl_keras.models import MultiTaskModel
from mtl_keras.relatedness._inputs import as_batches, check_model
from mtl_keras.relatedness.matrix import Matrix


def gradients(model: MultiTaskModel, data: Any, layer: str | list[str] | None = None, batch_size: int = 32) -> Matrix:
    """Measures the mean cosine of the tasks' gradients with respect to what they share, without training.

    A negative cosine means that, with these weights, a step for one task harms the other. The cosines change during
    training: measure a model that has been trained for a while, or record them during training by
    `callbacks.GradientConflict`. They predict poorly which tasks gain from each other in the end.

    Cost: one forward and T backward passes over the data. Needs the extra `relatedness` (scipy).

    Args:
        model: A compiled `MultiTaskModel` with at least two tasks that share variables. It is not changed.
        data: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames, or a finite
            `tf.data.Dataset` of batches.
        layer: Name of a layer, or list of names: only their shared variables are used. None for all variables that the
            tasks share.
        batch_size: Number of rows in a batch, for arrays. Cosines of larger batches are less noisy.

    Returns:
        A `Matrix` with `gain=True`: the mean over the batches, with 95 % intervals by Student's t. Its `rows` are the
        numbers of batches in which both tasks have a label and a gradient; NaN with a reason if there are none.

    Raises:
        ValueError: If the model is not compiled, its tasks share nothing, or a layer has no shared variables.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8,), tasks, tower=mtl.towers.MLP((6, 4)))
    model.compile("adam")
    data = np.random.default_rng(0).normal(size=(64, 8)), {"digit": np.arange(64) % 10, "odd": np.arange(64) % 2}
    matrix = mtl.relatedness.gradients(model, data)
    first = mtl.relatedness.gradients(model, data, layer="shared_dense1_dense")
    ```
    """
    check_model(model)
    count("batch_size", batch_size)
    probe = model.add_cosine_probe(1, in_step=False, variables=_variables(model, layer))
    num = len(model.task_names)
    found = [probe.measure(batch) for batch in as_batches(data, batch_size)]
    cosines = np.reshape(found, (-1, num, num)).astype("float64")
    known = np.isfinite(cosines)
    rows = known.sum(axis=0)
    mean = np.where(known, cosines, 0.0).sum(axis=0) / np.where(rows, rows, np.nan)
    spread = np.where(known, cosines - np.nan_to_num(mean), 0.0)
    variance = (spread**2).sum(axis=0) / np.where(rows > 1, rows - 1, np.nan)
    t = need("scipy.stats", "relatedness", "`gradients`").t.ppf(0.975, np.maximum(rows - 1, 1))
    half = t * np.sqrt(variance / np.maximum(rows, 1))
    np.fill_diagonal(half, math.nan)
    why = "no batch has labels and gradients of both"
    names = model.task_names
    reasons = {(a, b): why for i, a in enumerate(names) for j, b in enumerate(names) if not rows[i, j]}
    return Matrix(names, mean, "cosine", rows, mean - half, mean + half, reasons, gain=True, limit=1.0)


def _variables(model, layer):
    """Returns the shared variables of some layers; None for all."""
    if layer is None:
        return None
    shared = {id(variable): variable for variable in model.partition.shared}
    found = {}
    for name in [layer] if isinstance(layer, str) else layer:
        own = [v for one in model.layers if one.name == name for v in one.trainable_variables if id(v) in shared]
        if not own:
            names = [one.name for one in model.layers if any(id(v) in shared for v in one.trainable_variables)]
            raise ValueError(
                f"`layer` must name layers with shared variables, out of {names}. Received: layer={layer!r}."
            )
        found |= {id(v): v for v in own}
    return list(found.values())
