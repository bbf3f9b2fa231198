"""The weights of SAMME: the weight of a member, and the weights of the rows for the next member."""

import numpy as np

_LOWEST = 1e-6  # lowest error, so that a member without errors has a finite weight


def samme(
    wrong: np.ndarray, weights: np.ndarray, num_classes: int, learning_rate: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weight of a member, and the weights of the labels for the next one.

    α = learning_rate · (log((1 − e) / e) + log(K − 1)), where e is the weighted share of wrong labels. The weights of
    wrong labels are multiplied by exp(α); then all weights are scaled so that their mean stays the same. A member that
    is no better than chance, e ≥ 1 − 1 / K, has weight 0 and changes nothing.

    Args:
        wrong: Which labels the member predicts wrongly. [N, columns]
        weights: Weights of the labels, 0 for missing ones. [N, columns]
        num_classes: K.
        learning_rate: Factor of the weights of members.

    Returns:
        The weights α [columns] and the new weights [N, columns].
    """
    totals = np.maximum(weights.sum(axis=0), 1e-30)
    rates = np.maximum((weights * wrong).sum(axis=0) / totals, _LOWEST)
    better = rates < 1 - 1 / num_classes - 1e-12
    rates = np.where(better, rates, 0.5)
    alphas = np.where(better, learning_rate * (np.log((1 - rates) / rates) + np.log(num_classes - 1)), 0.0)
    new = weights * np.exp(alphas * wrong)
    return alphas, new * totals / np.maximum(new.sum(axis=0), 1e-30)
