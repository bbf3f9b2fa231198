"""How the losses of the tasks become one update: what `compile` was told, and the algebra of it on any backend."""

import math

import keras
from keras import ops

PASSES = {  # through the shared variables, of a weighting that reads so
    "losses": lambda num_tasks: 1,
    "gramian": lambda num_tasks: num_tasks,
    "rows": lambda num_tasks: num_tasks,
    "halves": lambda num_tasks: 2 * num_tasks,
}


class Plan:
    """A weighting and how the training step uses it.

    Args:
        weighting: A weighting, built.
        tasks: Names of the tasks.
        level: `"parameters"` or `"features"`: with respect to what the Jacobian of the losses is taken.
        every: The weights are renewed every so many steps.
        apply_to: `"shared"` or `"all"`: whether the weights act on the own variables of a task, too.
        nonfinite: `"skip"` or `"raise"`: what happens at a loss or gradient that is not finite.
        variables: What the optimizer updates: the shared variables, each task's own, the weighting's.
        features_model: For `level="features"`: the model that returns `{"y_pred": outputs, "features": list}`.
        cut: For `level="features"`: whether the features separate the shared variables from the losses (`is_cut`).
    """

    def __init__(self, weighting, tasks, level, every, apply_to, nonfinite, variables, features_model=None, cut=False):
        self.weighting = weighting
        self.reads = weighting.reads
        self.level = level
        self.every = every
        self.apply_to = apply_to
        self.nonfinite = nonfinite
        self.variables = variables
        self.features_model = features_model
        self.cut = cut
        self.num_tasks = len(tasks)
        self.skipped_steps = keras.metrics.Sum(name="skipped_steps")
        names = [] if self.reads == "rows" else [f"{task}_weight" for task in tasks]
        self.last_weights = keras.Variable(  # of the last step, each replica's the same
            [1.0] * len(names), trainable=False, dtype="float32", aggregation="only_first_replica", name="last_weights"
        )
        self.means = NamedMeans(names + ([] if self.reads == "losses" else ["conflict", "conflict_after"]))

    @property
    def meters(self):
        """The running values of the logs."""
        return [self.means, self.skipped_steps]

    @property
    def logs(self):
        """The names in the logs."""
        return [*self.means.names, self.skipped_steps.name]

    def track(self, weights, conflict, renewed, skipped):
        """Adds a step to the logs; the conflicts of the gradients only if it renewed the weights.

        A skipped step is only counted: what led to it is not finite.
        """
        done = ops.equal(skipped, 0.0)
        self.last_weights.assign(ops.where(done, weights, self.last_weights))
        values = ops.where(done, ops.concatenate([weights, conflict]), 0.0)
        counts = ops.concatenate([ops.ones_like(weights), ops.broadcast_to(renewed, conflict.shape)])
        self.means.update_state(values, counts * ops.cast(done, "float32"))
        self.skipped_steps.update_state(skipped)

    def describe(self, partition):
        """Returns a line that says what a step under the weighting does, and what it costs."""
        passes = 1 if self.level == "features" else PASSES[self.reads](self.num_tasks)
        size = sum(math.prod(v.shape) for v in partition.shared)
        often = f", every {self.every} steps" if self.every > 1 else ""
        return (
            f"{type(self.weighting).__name__}: {self.num_tasks} tasks, {size:,} shared parameters, {passes} backward "
            f"{'pass' if passes == 1 else 'passes'} through them{often}; a step costs about "
            f"{self.relative_cost():.1f} times that of the plain sum."
        )

    def relative_cost(self):
        """Returns the cost of a step beside that of the plain sum, by the count of operations.

        The plain step is one forward pass and a backward pass of twice its cost.
        """
        full = 1.0 if self.level == "features" else (1 + 2 * PASSES[self.reads](self.num_tasks)) / 3
        if self.reads == "losses" and self.weighting.reads_losses_after_step:
            full += 1 / 3
        return (full + (self.every - 1)) / self.every


class NamedMeans(keras.metrics.Metric):
    """The means of several numbers over the steps, each reported by its name: one metric, however many tasks.

    Args:
        names: The names in the logs.
    """

    def __init__(self, names):
        super().__init__(name="means")
        self.names = list(names)
        self.total = self.add_variable((len(self.names),), "zeros", name="total")
        self.count = self.add_variable((len(self.names),), "zeros", name="count")

    def update_state(self, values, counts):
        """Adds values [n] that count so many times [n]."""
        self.total.assign_add(values * counts)
        self.count.assign_add(counts)

    def result(self):
        means = ops.divide_no_nan(self.total, self.count)
        return dict(zip(self.names, ops.unstack(means), strict=True))


def conflict(gramian, present):
    """Returns the share of the pairs of present tasks whose gradients have a negative inner product."""
    pairs = ops.outer(present, present) * (1.0 - ops.eye(present.shape[0]))  # [T, T]
    return ops.sum(pairs * ops.cast(gramian < 0, pairs.dtype)) / ops.maximum(ops.sum(pairs), 1.0)


def conflict_after(progress, present):
    """Returns the share of the present tasks whose loss the update increases, to first order.

    Args:
        progress: Inner product of each task's gradient with the combined one. [T]
        present: [T], 0 or 1.
    """
    worse = present * ops.cast(progress < 0, present.dtype)
    return ops.sum(worse) / ops.maximum(ops.sum(present), 1.0)
