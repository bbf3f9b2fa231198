"""Models trained on bootstrap samples of the rows."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from mtl_keras._arguments import count
from mtl_keras.data import take
from mtl_keras.data._rows import cut, rows_of
from mtl_keras.ensembles._assemble import assembled, pooled, with_head
from mtl_keras.ensembles._members import check_members, tasks_of
from mtl_keras.ensembles._predicted import predicted
from mtl_keras.ensembles._train import check_build, trained
from mtl_keras.linalg.pooling import pool_outputs
from mtl_keras.models import MultiTaskModel


def bag(
    build: Callable[[], MultiTaskModel],
    data: Any,
    n: int = 5,
    *,
    epochs: int = 20,
    batch_size: int = 32,
    seed: int = 0,
) -> tuple[MultiTaskModel, dict[str, float]]:
    """Trains models on bootstrap samples of the rows; returns their average, and its out-of-bag metrics.

    Member i is trained on N rows, drawn with replacement from the N rows of the data: `np.random.default_rng([seed,
    i]).integers(N, size=N)`. About 37 % of the rows are not drawn: they are out of its bag. For the metrics, each row
    is predicted by the average of only those members that were not trained on it, so that no held-out data are needed.
    A row on which all members were trained is left out of the metrics.

    Cost: n trainings; a prediction costs as much as n models.

    Args:
        build: Function without arguments that returns a compiled `MultiTaskModel`.
        data: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames, or a `tf.data.Dataset` of
            batches, which is read into memory.
        n: Number of members.
        epochs, batch_size: For the training of a member.
        seed: Seed of the rows; member i is built and trained after `keras.utils.set_random_seed(seed + i)`.

    Returns:
        A `MultiTaskModel` as from `average`, and the out-of-bag `{name: metric}` as from `evaluate(...,
        return_dict=True)`.

    Raises:
        ValueError: If `build` does not return a compiled `MultiTaskModel`, or a number is out of range.

    Example:

    ```python
    def build():
        model = mtl.build_model((4,), [mtl.Task("digit", mtl.heads.Multiclass(3))])
        model.compile("adam")
        return model

    data = np.eye(4)[np.arange(12) % 4], {"digit": np.arange(12) % 3}
    model, out_of_bag = mtl.ensembles.bag(build, data, n=2, epochs=1)
    out_of_bag["digit_accuracy"]
    ```

    Reference: L. Breiman, "Bagging Predictors", 1996.
    """
    check_build("build", build)
    n, seed = count("n", n), count("seed", seed, at_least=0)
    training = {"epochs": count("epochs", epochs), "batch_size": count("batch_size", batch_size)}
    rows = rows_of("data", data)
    num_rows = len(next(iter(rows[1].values())))
    drawn = [np.random.default_rng([seed, i]).integers(num_rows, size=num_rows) for i in range(n)]
    members = check_members(
        [trained("build", build, *(take(of, d) for of in rows), **training, seed=seed + i) for i, d in enumerate(drawn)]
    )
    out = [np.setdiff1d(np.arange(num_rows), d) for d in drawn]
    return pooled(members, "mean", {}), _figures(members, out, rows, num_rows)


def _figures(members, out, rows, num_rows):
    """Returns the metrics of the averaged members. For each row, only members that were not trained on it count.

    Args:
        members: The models.
        out: The out-of-bag rows of each member, as row numbers.
        rows: Inputs, labels and weights.
        num_rows: Number of rows.
    """
    tasks = tasks_of(members[0])
    outputs: dict[str, np.ndarray] = {}
    weight = {task: np.zeros(np.shape(of), "float32") for task, of in rows[2].items()}
    for i, (member, of_member) in enumerate(zip(members, out, strict=True)):
        tensors = {task.name: [member.output[task.name]] for task in tasks}
        batches = predicted(member.input, tensors, cut(rows, of_member))
        for task in weight:
            values = np.concatenate([ops.convert_to_numpy(found[task][0]) for found, _, _ in batches])
            known = np.concatenate([ops.convert_to_numpy(w[task]) for _, _, w in batches])
            outputs.setdefault(task, np.zeros((len(members), num_rows, *values.shape[1:]), "float32"))
            outputs[task][i, of_member] = values
            if known.shape[1:] != weight[task].shape[1:]:
                weight[task] = np.zeros((num_rows, *known.shape[1:]), "float32")
            weight[task][of_member] = known
    is_out = np.stack([np.isin(np.arange(num_rows), o) for o in out]).astype("float32")  # [M, N]
    is_out[:, is_out.sum(axis=0) == 0] = 1.0  # these rows have weight 0
    inputs, answers, x, judged = {}, {}, {}, []
    for task in tasks:
        values = outputs[task.name]
        shares = is_out.reshape(*is_out.shape, *(1,) * (values.ndim - 2))
        name = f"{task.name}_pooled"
        x[name] = ops.convert_to_numpy(pool_outputs(task.head.output_kind, "mean", list(values), shares))
        inputs[name] = keras.Input(x[name].shape[1:], name=name)
        answers[task.name] = keras.layers.Activation("linear", dtype="float32")(inputs[name])
        judged.append(with_head(task, task.head.pooled()))
    judge = assembled(inputs, answers, judged, {task.name: members[0] for task in tasks})
    return judge.evaluate(x, rows[1], sample_weight=weight, batch_size=256, verbose=0, return_dict=True)
