"""The mean of the predictions of several models."""

from collections.abc import Sequence
from typing import Any

from mtl_keras._arguments import flag
from mtl_keras.ensembles._assemble import pooled
from mtl_keras.ensembles._fit_weights import fit_weights
from mtl_keras.ensembles._members import check_members
from mtl_keras.ensembles._weights import check_weights, shares_by_task
from mtl_keras.models import MultiTaskModel


def average(
    models: Sequence[MultiTaskModel],
    weights: str | Sequence[float] | dict[str, Sequence[float]] | None = None,
    valid: Any = None,
    *,
    geometric: bool = False,
) -> MultiTaskModel:
    """Returns a model that predicts the mean of the predictions of several models.

    Probabilities, rates, values and quantiles are averaged. A `Gaussian` head gets the mean and the deviation of the
    mixture: its variance is the mean of the members' variances plus the variance of their means. The boxes of a
    detector are averaged cell by cell with the confidences as weights; non-maximum suppression follows. The tags of a
    conditional random field follow from the mean of the probabilities over all paths; with `geometric=True`, from the
    best path of the mean potentials. `layers.PoolPredictions` has the formulas.

    The result is an ordinary model: it predicts, evaluates, saves and exports. The members' layers are copied and
    frozen. Layers and operations that compute the same in several members, such as a frozen backbone with equal
    weights, are in it only once.

    Cost: the time and the size of all members, minus what they have in common.

    Args:
        models: `MultiTaskModel`s with the same inputs, the same tasks in the same order, and equal heads. Their towers,
            sharing schemes and `hidden` layers may differ.
        weights: Weights of the members, at least 0: the same for all tasks, or `{task: numbers}`; `"validation"` for
            the weights with the lowest loss of each task on `valid`; None for equal weights.
        valid: Held-out data for `"validation"`: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays
            or frames, or a `tf.data.Dataset` of batches. Missing labels are left out.
        geometric: Whether to average the logarithms of probabilities, rates and normal distributions, and normalise the
            result.

    Returns:
        A `MultiTaskModel`, compiled with the losses and metrics of the first member.

    Raises:
        ValueError: If members differ in inputs, tasks or heads (the error says in which); the weights do not fit; or
            `valid` is missing or has no label of a task.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3)), mtl.Task("ink", mtl.heads.Gaussian())]
    models = [mtl.build_model((4,), tasks) for _ in range(5)]
    model = mtl.ensembles.average(models)
    model.predict(np.ones((1, 4)), verbose=0)["ink"]  # mean and deviation of the mixture
    valid = np.ones((6, 4)), {"digit": np.arange(6) % 3, "ink": np.ones(6)}
    better = mtl.ensembles.average(models, weights="validation", valid=valid)
    better.get_layer("digit").member_weights  # five numbers with the sum 1
    ```

    Reference: B. Lakshminarayanan, A. Pritzel, C. Blundell, "Simple and Scalable Predictive Uncertainty Estimation
    using Deep Ensembles", 2017; for boxes see `layers.PoolPredictions`.
    """
    members = check_members(models)
    way = "geometric" if flag("geometric", geometric) else "mean"
    checked = check_weights(weights, members, ("validation",))
    if checked == "validation":
        if valid is None:
            raise ValueError('`valid` must be held-out data if `weights="validation"`. Received: valid=None.')
        checked = fit_weights(members, way, valid)
    elif valid is not None:
        raise ValueError(f'`valid` must be None unless `weights="validation"`. Received: weights={weights!r}.')
    return pooled(members, way, shares_by_task(checked, members))
