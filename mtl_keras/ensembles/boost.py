"""Models that each learn from the errors of the models before."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras.data._rows import cut, rows_of
from mtl_keras.ensembles._assemble import assembled, joined, with_head
from mtl_keras.ensembles._boosted import Residuals, Votes
from mtl_keras.ensembles._members import check_members, tasks_of
from mtl_keras.ensembles._predicted import predicted
from mtl_keras.ensembles._train import check_build, trained
from mtl_keras.layers import PoolPredictions
from mtl_keras.models import MultiTaskModel

_CLASSES = ("classes", "events", "chain")


def boost(
    build: Callable[[], MultiTaskModel],
    data: Any,
    n: int = 5,
    *,
    learning_rate: float = 1.0,
    epochs: int = 20,
    batch_size: int = 32,
    seed: int = 0,
) -> MultiTaskModel:
    """Trains models one after the other, each on the errors of those before; returns them as one model.

    All tasks are boosted in one loop, each by its own rule. Classes use SAMME: the sample weights of the labels that a
    member gets wrong are multiplied by exp(α), with α = log((1 − e) / e) + log(K − 1), where e is the weighted share of
    wrong labels. Members vote with the weights α. Each label of a `Multilabel` head counts as a separate task here, and
    each position of tags and maps as a separate label. Numbers use residuals: a member learns the labels minus the sum
    of the members before it, and the prediction is the sum. A member that is no better than chance has no vote.

    Boosting helps small models that underfit. Once a member has no errors, the others are useless. Noisy labels get
    larger and larger weights: for them, prefer `bag`.

    Cost: n trainings, one after the other; a prediction costs as much as n models.

    Args:
        build: Function without arguments that returns a compiled `MultiTaskModel`.
        data: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames, or a `tf.data.Dataset` of
            batches, which is read into memory. Missing labels stay missing.
        n: Number of members.
        learning_rate: Factor of α, and of each member's part of a residual, in (0, 1].
        epochs, batch_size: For the training of a member.
        seed: Member i is built and trained after `keras.utils.set_random_seed(seed + i)`.

    Returns:
        A `MultiTaskModel`, compiled with the losses and metrics of the members.

    Raises:
        ValueError: If `build` does not return a compiled `MultiTaskModel`; a number is out of range; or a head has
            neither classes nor one number per label, such as `Count`, `Gaussian`, `Quantiles` and `Detection`.

    Example:

    ```python
    def build():
        tasks = [mtl.Task("digit", mtl.heads.Multiclass(3)), mtl.Task("ink", mtl.heads.Regression())]
        model = mtl.build_model((4,), tasks, tower=mtl.towers.MLP((4,)))
        model.compile("adam")
        return model

    data = np.eye(4)[np.arange(12) % 4], {"digit": np.arange(12) % 3, "ink": np.arange(12.0)}
    model = mtl.ensembles.boost(build, data, n=2, epochs=1)
    model.get_layer("digit_votes").member_weights  # the two α
    ```

    Reference: J. Zhu, H. Zou, S. Rosset, T. Hastie, "Multi-Class AdaBoost", 2009, for SAMME; J. Friedman, "Greedy
    Function Approximation: A Gradient Boosting Machine", 2001, for residuals. Departure: the output is the share of the
    votes, plus the mean probabilities with a weight of one thousandth of the smallest vote.
    """
    check_build("build", build)
    n, seed = count("n", n), count("seed", seed, at_least=0)
    learning_rate = number("learning_rate", learning_rate, above=0, at_most=1)
    training = {"epochs": count("epochs", epochs), "batch_size": count("batch_size", batch_size)}
    x, y, weight = rows_of("data", data)
    members: list[MultiTaskModel] = []
    parts: dict[str, Any] = {}
    for i in range(n):
        targets = {task: part.targets for task, part in parts.items()} or y
        weights = {task: part.weights.astype("float32") for task, part in parts.items()} or weight
        if not parts:
            keras.utils.set_random_seed(seed)
            parts = _parts(build(), y, weight, learning_rate)
        members.append(trained("build", build, x, targets, weights, **training, seed=seed + i))
        outputs = {task: [members[-1].output[task]] for task in parts}
        batches = predicted(members[-1].input, outputs, cut((x, targets, weight)))
        for task, part in parts.items():
            output = np.concatenate([ops.convert_to_numpy(found[task][0]) for found, _, _ in batches])
            part.learn(output, np.concatenate([ops.convert_to_numpy(w[task]) for _, _, w in batches]))
    return _joined(check_members(members), parts)


def _parts(model, y, weight, learning_rate):
    """Returns `{task: state of its boosting}`; raises a ValueError for a head that cannot be boosted."""
    parts = {}
    for task in tasks_of(model):
        kind, shape, labels = task.head.output_kind, model.output[task.name].shape, y[task.name]
        if kind in _CLASSES:
            rule = Votes
        elif kind == "numbers" and labels[:1].size == np.prod(shape[1:]):
            rule = Residuals
        else:
            raise ValueError(
                f"`build` must return a model whose tasks have classes or plain numbers. Received: task {task.name!r} "
                f"with the head {type(task.head).__name__}, for which there is no boosting. Use `bag` or `average`."
            )
        parts[task.name] = rule(task, labels, weight[task.name], shape, learning_rate)
    return parts


def _joined(members, parts):
    """Returns the members as one model that outputs their votes or sums."""
    graph, of_members = joined(members)
    outputs, tasks = {}, []
    for task in tasks_of(members[0]):
        way, weights, tie, factor = parts[task.name].pool()
        name = f"{task.name}_votes" if factor == 1.0 else f"{task.name}_mean"
        pool = PoolPredictions(task.head.output_kind, way, weights, tie, dtype="float32", name=name)
        pooled = pool([of_member[task.name] for of_member in of_members])
        scale = keras.layers.Rescaling(factor, dtype="float32", name=task.name)
        outputs[task.name] = pooled if factor == 1.0 else scale(pooled)
        tasks.append(with_head(task, task.head.pooled()))
    return assembled(graph.inputs, outputs, tasks, dict.fromkeys(outputs, members[0]))
