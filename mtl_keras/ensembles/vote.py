"""The class with the most votes of several models."""

from collections.abc import Sequence
from typing import Any

from mtl_keras.ensembles._assemble import pooled
from mtl_keras.ensembles._members import check_members
from mtl_keras.ensembles._weights import check_weights, shares_by_task
from mtl_keras.models import MultiTaskModel


def vote(models: Sequence[MultiTaskModel], weights: Sequence[float] | dict[str, Sequence[float]] | None = None) -> Any:
    """Returns a model that predicts what most of several models vote for.

    Each member votes for its most probable class, for each label above 0.5, or for a tag at each position. A
    conditional random field votes for the tags of its best path. The mean probability of the members is added as half a
    vote, to decide ties. The output is the share of the votes. With an ordinal head, the rank is the median of the
    members' ranks. Tasks without classes are averaged, as in `average`.

    Cost: that of all members. The members' layers are copied and frozen. `average` describes what the members must have
    in common and what is computed once.

    Args:
        models: `MultiTaskModel`s with the same inputs and tasks.
        weights: Number of votes of each member, at least 0: the same for all tasks, or `{task: numbers}`; None for one
            each.

    Returns:
        A `MultiTaskModel`, compiled with the losses and metrics of the first member.

    Raises:
        ValueError: If members differ in inputs, tasks or heads, or the weights do not fit.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3))]
    models = [mtl.build_model((4,), tasks) for _ in range(3)]
    model = mtl.ensembles.vote(models)
    model.predict(np.ones((1, 4)), verbose=0)["digit"]  # three votes: such as [[0.05, 0.9, 0.05]]
    ```

    Reference: L. Hansen, P. Salamon, "Neural Network Ensembles", 1990.
    """
    members = check_members(models)
    checked = shares_by_task(check_weights(weights, members, ()), members)
    low = min((w for of in checked.values() for w in of or () if w > 0), default=1.0)
    return pooled(members, "vote", checked, 0.5 if weights is None else 1e-3 * low)
