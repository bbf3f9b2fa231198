"""One model whose variables are the means of those of several models."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from mtl_keras.data._rows import batches_of
from mtl_keras.engine.graph import with_inner
from mtl_keras.ensembles._copies import batch_norms, copy_of
from mtl_keras.ensembles._members import check_members
from mtl_keras.ensembles._weights import check_weights
from mtl_keras.models import MultiTaskModel


def average_weights(
    models: Sequence[MultiTaskModel], data: Any = None, weights: Sequence[float] | None = None
) -> MultiTaskModel:
    """Returns a model whose weights are the means of the weights of several models: a model soup.

    It has the size and speed of one member. It works for models that share a part of their training, such as
    fine-tunings of one pre-trained model, or the last epochs of one training. The mean of models with different random
    initial weights is useless.

    The statistics of batch norm layers are not averaged. They are computed again: the means and variances over all
    batches of `data`.

    Args:
        models: `MultiTaskModel`s of the same architecture.
        data: Training data with or without labels, for the statistics of batch norm: `(x, {task: y})` as arrays, or a
            `tf.data.Dataset` of batches; None for models without batch norm.
        weights: Weights of the models, at least 0; None for equal weights.

    Returns:
        A trainable `MultiTaskModel` of the same architecture, compiled like the first model.

    Raises:
        ValueError: If models differ in inputs, tasks, heads or layers (the error says in which); or there is batch norm
            and `data` are missing.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3))]
    first = mtl.build_model((4,), tasks)
    second = mtl.build_model((4,), tasks)
    second.set_weights(first.get_weights())  # a common start, then each is trained
    model = mtl.ensembles.average_weights([first, second])
    model.predict(np.ones((1, 4)), verbose=0)["digit"].shape  # (1, 3)
    ```

    Reference: M. Wortsman and others, "Model Soups: Averaging Weights of Multiple Fine-Tuned Models Improves Accuracy
    Without Increasing Inference Time", 2022; for batch norm P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A.
    Wilson, "Averaging Weights Leads to Wider Optima and Better Generalization", 2018.
    """
    members = check_members(models)
    shares = check_weights(weights, members, ())
    if isinstance(shares, dict):
        raise ValueError("`weights` must be the same for all tasks, because they share variables. Received: a dict.")
    for i, model in enumerate(members):
        _check_layers(members[0], model, i)
    model = copy_of(members[0])
    norms = batch_norms(model)
    if norms and data is None:
        raise ValueError(
            f"`data` must be training data, because the models have batch norm: {[layer.name for layer in norms]}. "
            "Received: data=None."
        )
    for variable, *values in zip(model.weights, *(m.weights for m in members), strict=True):
        if "float" in str(variable.dtype):
            arrays = [keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")) for value in values]
            variable.assign(np.average(arrays, axis=0, weights=shares))
    if norms:
        _count_again(model, norms, batches_of("data", data))
    return model


def _check_layers(first, model, i):
    """Raises a ValueError unless two models have the same layers."""
    expected, received = (with_inner(m.layers) for m in (first, model))
    names = [
        [(type(layer).__name__, [tuple(w.shape) for w in layer.weights]) for layer in of] for of in (expected, received)
    ]
    if len(expected) != len(received):
        raise ValueError(
            f"`models[{i}]` must have the layers of `models[0]`, which has {len(expected)}. Received: {len(received)}."
        )
    for layer, a, b in zip(expected, *names, strict=True):
        if a != b:
            raise ValueError(
                f"`models[{i}]` must have the layers of `models[0]`. Received: {b[0]} with weights of shapes {b[1]} "
                f"instead of {layer.name!r}, {a[0]} with {a[1]}."
            )


def _count_again(model, norms, batches):
    """Sets the statistics of batch norm to their means over batches, as seen in training."""
    kept = [(v, keras.ops.convert_to_numpy(v)) for v in model.non_trainable_variables]
    momenta = [layer.momentum for layer in norms]
    sums, rows = None, 0
    try:
        for layer in norms:
            layer.momentum = 0.0  # then the statistics are those of the last batch
        for batch in batches:
            x = batch[0]
            model(x, training=True)
            size = int(keras.tree.flatten(x)[0].shape[0])
            found = [keras.ops.convert_to_numpy(v) * size for layer in norms for v in _statistics(layer)]
            sums = found if sums is None else [a + b for a, b in zip(sums, found, strict=True)]
            rows += size
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
    for variable, value in kept:
        variable.assign(value)
    for variable, value in zip((v for layer in norms for v in _statistics(layer)), sums, strict=True):
        variable.assign(value / rows)


def _statistics(layer):
    return layer.moving_mean, layer.moving_variance
