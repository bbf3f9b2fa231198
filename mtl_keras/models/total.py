"""The `loss` of the logs."""

import keras


class Total(keras.metrics.Mean):
    """Σ loss_weight · task loss + penalties and regularization, from the means over all labels so far.

    The mean of the batches' sums would depend on the distribution of missing labels over the batches. A task without
    any label adds nothing, and neither does a task with loss weight 0, even if its loss is NaN.

    Args:
        objectives: Function without arguments that returns `{task: Objective}`.
        weights: Function without arguments that returns the weights of the epoch [T], or None.
    """

    def __init__(self, objectives, weights):
        super().__init__(name="loss")  # as a metric, it is the mean of the regularization and the penalties
        self._objectives = objectives
        self._weights = weights

    def result(self):
        objectives, weights = self._objectives().values(), self._weights()
        weights = [1.0] * len(objectives) if weights is None else keras.ops.unstack(weights)
        losses = [
            keras.ops.divide_no_nan(o.loss_mean.total, o.loss_mean.count) * o.loss_weight * weight
            for o, weight in zip(objectives, weights, strict=True)
            if o.loss_weight
        ]
        return sum(losses) + super().result()
