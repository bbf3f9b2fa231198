"""Small heads on the predictions of several models."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mtl_keras._arguments import count, error, number
from mtl_keras.data import take
from mtl_keras.data._rows import batches_of, cut, rows_of
from mtl_keras.ensembles._assemble import assembled, with_head
from mtl_keras.ensembles._members import check_members, tasks_of
from mtl_keras.ensembles._predicted import check_labels, fitted, predicted
from mtl_keras.ensembles._stacking import features
from mtl_keras.ensembles._train import check_build, trained
from mtl_keras.models import MultiTaskModel


def stack(
    models: Sequence[MultiTaskModel] | Sequence[Callable[[], MultiTaskModel]],
    data: Any,
    *,
    k_fold: Any = None,
    l2: float = 1.0,
    max_iters: int = 200,
    epochs: int = 20,
    batch_size: int = 32,
    seed: int = 0,
) -> MultiTaskModel:
    """Returns a model with a small head per task, which reads the predictions of several models for all tasks.

    The head of a task is that of the members without hidden layers: one dense layer and the activation. It reads the
    predictions of all members for all tasks. Unlike in `average`, the predictions for one task can therefore correct
    those for another. Tags of a conditional random field enter as probabilities, and are then decided independently. A
    task with an answer per position reads the predictions for the position and those for the row. A task with an answer
    per row reads means over positions.

    The heads minimise the task's loss plus `l2` / 2 times the squares of the kernel, divided by the sum of the weights:
    for classes this is scikit-learn's `LogisticRegression(C=1 / l2)`. Missing labels are left out.

    Fit the heads on data that the members were not trained on. If you need all data for training, pass folds, and
    functions that build the members. Each row is then predicted by members that were trained without its fold, and the
    members of the result are trained on all rows.

    Cost: that of all members; the heads are small. With `k_fold`, k + 1 trainings of each member.

    Args:
        models: Trained `MultiTaskModel`s with the same inputs and tasks; with `k_fold`, functions without arguments
            that return such models, compiled and not trained.
        data: Data to fit the heads on: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames,
            or a `tf.data.Dataset` of batches.
        k_fold: Pairs of row numbers to train on and to predict, such as `data.k_fold(y)`; None for trained members.
        l2: Factor of the squares of the kernels, at least 0.
        max_iters: Maximum number of steps of L-BFGS for a head.
        epochs, batch_size: For the training of members, with `k_fold`.
        seed: With `k_fold`: member i is built and trained after `keras.utils.set_random_seed(seed + i)`.

    Returns:
        A `MultiTaskModel`, compiled with the losses and metrics of the first member. Its members are frozen: `fit`
        trains only the heads.

    Raises:
        ValueError: If members differ in inputs, tasks or heads; data have no label of a task; or an argument is out of
            range.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3)), mtl.Task("odd", mtl.heads.Binary())]

    def build():
        model = mtl.build_model((4,), tasks)
        model.compile("adam")
        return model

    x, y = np.eye(4)[np.arange(12) % 4], {"digit": np.arange(12) % 3, "odd": np.arange(12) % 2}
    model = mtl.ensembles.stack([build(), build()], (x, y), max_iters=20)
    model.get_layer("odd_linear").kernel.shape  # (8, 1): two members, three classes and one probability
    folds = mtl.data.k_fold(y, 2)
    model = mtl.ensembles.stack([build], (x, y), k_fold=folds, epochs=1, max_iters=5)
    ```

    Reference: D. Wolpert, "Stacked Generalization", 1992; for several targets, E. Spyromitros-Xioufis, G. Tsoumakas,
    W. Groves, I. Vlahavas, "Multi-Target Regression via Input Space Expansion: Treating Targets as Inputs", 2016.
    """
    l2, max_iters = number("l2", l2, at_least=0), count("max_iters", max_iters)
    if k_fold is None:
        members = check_members(models)
        graph, read = features(members)
        batches = predicted(graph.inputs, {task: [tensor] for task, tensor in read.items()}, batches_of("data", data))
    else:
        training = {"epochs": count("epochs", epochs), "batch_size": count("batch_size", batch_size)}
        seed = count("seed", seed, at_least=0)
        members, batches = _out_of_fold(models, data, k_fold, training, seed)
        graph, read = features(members)
    check_labels("data", batches, list(read))
    outputs, tasks = {}, []
    for task in tasks_of(members[0]):
        task = with_head(task, task.head.of_predictions())
        outputs[task.name] = task.head(read[task.name], task.name)
        tasks.append(task)
    sources = dict.fromkeys(outputs, members[0])
    for task in tasks:
        head = assembled(read[task.name], {task.name: outputs[task.name]}, [task], sources)
        for variable in head.trainable_variables:
            if variable.name == "kernel":
                variable.assign(np.zeros(variable.shape))
        fitted(head, batches, max_iters, l2)
    return assembled(graph.inputs, outputs, tasks, sources)


def _out_of_fold(builds, data, k_fold, training, seed):
    """Returns members trained on all rows, and batches of out-of-fold predictions by other members."""
    several = isinstance(builds, Iterable) and not isinstance(builds, str | dict)
    builds = list(builds) if several else []
    if not builds:
        raise ValueError(error("models", "a list of functions that build members if `k_fold` is given", builds))
    for i, build in enumerate(builds):
        check_build(f"models[{i}]", build)
    x, y, weight = rows_of("data", data)
    pairs = _check_folds(k_fold, len(next(iter(y.values()))))

    def members_of(rows):
        part = [take(of, rows) for of in (x, y, weight)]
        return [trained(f"models[{i}]", build, *part, **training, seed=seed + i) for i, build in enumerate(builds)]

    batches = []
    for train, test in pairs:
        graph, read = features(check_members(members_of(train)))
        tensors = {task: [tensor] for task, tensor in read.items()}
        batches += predicted(graph.inputs, tensors, cut((x, y, weight), test))
    return check_members(members_of(np.arange(len(next(iter(y.values())))))), batches


def _check_folds(k_fold, num_rows):
    """Returns pairs of row numbers; raises a ValueError for anything else."""
    try:
        pairs = [(np.asarray(train), np.asarray(test)) for train, test in k_fold]
    except (TypeError, ValueError) as failure:
        raise ValueError(
            error("k_fold", "pairs of row numbers, such as `mtl_keras.data.k_fold(y)`", k_fold)
        ) from failure
    rows = [r for pair in pairs for r in pair]
    if not pairs or any(r.dtype.kind not in "iu" or not r.size or r.min() < 0 or r.max() >= num_rows for r in rows):
        raise ValueError(error("k_fold", f"pairs of row numbers from 0 to {num_rows - 1}", k_fold))
    return pairs
