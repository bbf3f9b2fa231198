"""How the losses of the tasks become one update: the arguments of `compile`, and backend-independent algebra."""

import math

import keras
from keras import ops

from mtl_keras._types import Tensor
from mtl_keras.engine.named_means import NamedMeans
from mtl_keras.engine.partition import Partition


class Plan:
    """A weighting and how the training step uses it.

    Args:
        weighting: A weighting, built.
        tasks: `{task: whether it takes part}`: a task that does not is treated as absent from each batch.
        level: `"parameters"` or `"features"`: what the Jacobian of the losses is with respect to.
        every: The weights are updated every n steps.
        apply_to: `"shared"` or `"all"`: whether the weights also act on the own variables of a task.
        nonfinite: `"skip"` or `"raise"`: what to do if a loss or gradient is not finite.
        chunk_size: How many gradients of the shared variables are in memory at once; None for all.
        variables: The variables that the optimizer updates: the shared ones, those of each task, the weighting's.
        features_model: For `level="features"`: the model that returns `{"y_pred": outputs, "features": list}`.
        cut: For `level="features"`: whether the features separate the shared variables from the losses (`is_cut`).
    """

    def __init__(
        self,
        weighting: keras.layers.Layer,
        tasks: dict[str, bool],
        level: str,
        every: int,
        apply_to: str,
        nonfinite: str,
        chunk_size: int | None,
        variables: list[keras.Variable],
        features_model: keras.Model | None = None,
        cut: bool = False,
    ):
        self.weighting = weighting
        self.level = level
        self.every = every
        self.apply_to = apply_to
        self.nonfinite = nonfinite
        self.chunk_size = chunk_size
        self.variables = variables
        self.features_model = features_model
        self.cut = cut
        self.num_tasks = len(tasks)
        self.taking_part = [float(takes_part) for takes_part in tasks.values()]
        self.skipped_steps = keras.metrics.Sum(name="skipped_steps")
        names = [f"{task}_weight" for task in tasks] if weighting.has_weights else []
        self.logged_weights = keras.Variable(  # of the last step, each replica's the same
            [1.0] * len(names),
            trainable=False,
            dtype="float32",
            aggregation="only_first_replica",
            name="logged_weights",
        )
        self.means = NamedMeans(names + (["conflict", "conflict_after"] if weighting.reads_gradients else []))

    @property
    def meters(self) -> list[keras.metrics.Metric]:
        """The running values of the logs."""
        return [self.means, self.skipped_steps]

    @property
    def logs(self) -> list[str]:
        """The names in the logs."""
        return [*self.means.names, self.skipped_steps.name]

    def present(self, counts: Tensor) -> Tensor:
        """Returns which tasks have labels and take part. [T], 0 or 1

        Args:
            counts: Number of present labels. [T]
        """
        return ops.cast(counts > 0, "float32") * ops.convert_to_tensor(self.taking_part)

    def track(self, weights: Tensor, conflict: Tensor, renewed: Tensor, skipped: Tensor) -> None:
        """Adds a step to the logs; the conflicts of the gradients only if it renewed the weights.

        A skipped step is only counted, because its values are not finite.
        """
        done = ops.equal(skipped, 0.0)
        self.logged_weights.assign(ops.where(done, weights, self.logged_weights))
        values = ops.where(done, ops.concatenate([weights, conflict]), 0.0)
        counts = ops.concatenate([ops.ones_like(weights), ops.broadcast_to(renewed, conflict.shape)])
        self.means.update_state(values, counts * ops.cast(done, "float32"))
        self.skipped_steps.update_state(skipped)

    def describe(self, partition: Partition) -> str:
        """Returns a line that says what a step under the weighting does, and what it costs."""
        passes = self.passes
        size = sum(math.prod(v.shape) for v in partition.shared)
        often = f", every {self.every} steps" if self.every > 1 else ""
        return (
            f"{type(self.weighting).__name__}: {self.num_tasks} tasks, {size:,} shared parameters, {passes} backward "
            f"{'pass' if passes == 1 else 'passes'} through them{often}; a step costs about "
            f"{self.relative_cost():.1f} times that of the plain sum."
        )

    @property
    def passes(self) -> int:
        """How many times a step goes backward through the shared variables."""
        if self.level == "features":
            return 1
        rows = self.weighting.passes(self.num_tasks)
        if not self.chunk_size:
            return rows
        return sum(range(rows, 0, -self.chunk_size)) + 1  # each chunk, with all rows behind it, and the weighted losses

    def relative_cost(self) -> float:
        """Returns the cost of a step relative to the plain sum, by the count of operations.

        The plain step is one forward pass and a backward pass of twice its cost.
        """
        full = (1 + 2 * self.passes) / 3
        if self.weighting.reads_losses_after_step:
            full += 1 / 3
        return (full + (self.every - 1)) / self.every
