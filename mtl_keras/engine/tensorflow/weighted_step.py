"""The gradients of a step under a weighting, and the numbers to log."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from mtl_keras._types import Tensor
from mtl_keras.engine.batch import Batch, BatchLosses
from mtl_keras.engine.partition import Partition
from mtl_keras.engine.plan import Plan
from mtl_keras.engine.tensorflow.gradients import aggregated, alike, all_finite, filled, or_nan, restored, sum_of, times
from mtl_keras.engine.tensorflow.jacobian import Jacobian, product
from mtl_keras.engine.tensorflow.lowest_losses import checked
from mtl_keras.linalg.conflict import conflict, conflict_after


class Update(NamedTuple):
    """The results of a step. A tuple, so that both branches of a condition can return one."""

    batch_losses: BatchLosses  # the losses of the tasks, as they are logged
    extra: Tensor  # terms that are trained besides the weighted losses
    gradients: list[Tensor]  # of the plan's variables, in their order
    weights: Tensor  # [T] times the loss weights, for the logs; [0] for a weighting that has none
    conflict: Tensor  # before and after the weighting; [0] for a weighting that reads no gradients
    renewed: Tensor  # 1.0 if the weighting was asked, else 0.0


class Forward(NamedTuple):
    """The results of the forward pass, under the tape."""

    batch_losses: BatchLosses
    features: list[Tensor] | None  # for `level="features"`
    extra: Tensor
    scaled: list[Tensor]  # the losses times their weights, scaled for float16
    scaled_extra: Tensor
    halves: list[tuple[list[Tensor], Tensor]]  # the scaled losses of two halves of the batch, and their shares


class WeightedStep:
    """One training step under a weighting: a forward pass, the gradients of the tasks, and the update.

    Args:
        model: The model; for `level="features"` the one that also returns the features.
        batch: The `Batch`, with the objectives of the tasks.
        partition: The `Partition` of the trainable variables.
        plan: The `Plan`.
        scale: Function that scales a loss against underflow, `optimizer.scale_loss`.
        compiled: Whether XLA compiles the step; XLA has no sparse gradients.
    """

    def __init__(
        self,
        model: Callable,
        batch: Batch,
        partition: Partition,
        plan: Plan,
        scale: Callable[[Tensor], Tensor],
        compiled: bool,
    ):
        self.model = model
        self.batch = batch
        self.replicas = batch.replicas
        self.partition = partition
        self.plan = plan
        self.weighting = plan.weighting
        self.scale = scale
        self.sparse = self.weighting.reads != "rows" and batch.replicas.num == 1 and not compiled

    def renewed(self) -> Update:
        """Asks the weighting."""
        with tf.GradientTape(persistent=True) as tape:
            run = self._forward()
        losses, present = self._seen(run)
        losses = checked(losses, present, self.weighting, self.batch.objectives)
        if not self.weighting.reads_gradients:
            return self._of_objective(tape, run, losses, present)
        jacobian, mix = self._jacobian(tape, run)
        own = None if run.halves else list(self.partition.own.values())
        if self.plan.chunk_size:
            blocks, (products, own) = None, jacobian.gramian(self.plan.chunk_size, own)
        else:
            blocks, own = jacobian.rows(own)
            products = self._products(blocks)
        read = gramian = products
        if run.halves:
            num, own = len(run.scaled), self._own_gradients(tape, run)
            read, gramian = products[:num, num:], mix @ products @ tf.transpose(mix)
        directions, weights, progress = self._answer(blocks, mix, gramian, read, losses, present)
        shared = self._shared_gradients(tape, run, blocks, directions, weights)
        conflicts = tf.stack([conflict(gramian, present), conflict_after(gramian, progress, present)])
        return self._update(tape, run, losses, present, shared, own, weights, conflicts)

    def reused(self) -> Update:
        """Uses the weights of the last step that asked the weighting."""
        with tf.GradientTape(persistent=True) as tape:
            run = self._forward()
        losses, present = self._seen(run)
        weights = or_nan(all_finite(losses), tf.convert_to_tensor(self.weighting.last_weights))
        shared = self._weighted_gradients(tape, run, weights)
        own = self._own_gradients(tape, run)
        return self._update(tape, run, losses, present, shared, own, weights, tf.zeros([2]), renewed=0.0)

    def _forward(self):
        """Returns the outputs and losses; to be called under a tape."""
        y_pred, features = self.model(self.batch.x, training=True), None
        if self.plan.level == "features":
            y_pred, features = y_pred["y_pred"], y_pred["features"]
        entries = self.batch.entries(y_pred, training=True)
        batch_losses = self.batch.reduced(y_pred, entries)
        extra = tf.convert_to_tensor(self.batch.regularization() + self.batch.penalty(), tf.float32)
        reads_halves = self.weighting.reads == "halves"
        halves = self.batch.losses_of_halves(entries, batch_losses.counts) if reads_halves else []
        return Forward(
            batch_losses,
            features,
            extra,
            self._scaled(batch_losses.losses),
            self.scale(extra),
            [(self._scaled(of_half), shares) for of_half, shares in halves],
        )

    def _seen(self, run):
        """Returns the losses of the whole batch, 0 for a task that takes no part, and which tasks do. [T] each"""
        present = self.plan.present(run.batch_losses.counts)
        losses = self.replicas.sum(tf.stack(self.batch.weighted(run.batch_losses.losses)))
        return tf.where(present > 0, losses, 0.0), present

    def _scaled(self, losses):
        return [self.scale(loss) for loss in self.batch.weighted(losses)]

    def _jacobian(self, tape, run):
        """Returns the Jacobian of the losses [T], and None.

        For a weighting that reads halves of the batch, it has 2T rows: the losses of the first half and of the second.
        Then the second result is the matrix [T, 2T] that turns it into the Jacobian of the whole batch.
        """
        losses, mix = run.scaled, None
        if run.halves:
            (first, share), (second, rest) = run.halves
            losses, mix = [*first, *second], tf.concat([tf.linalg.diag(share), tf.linalg.diag(rest)], axis=1)
        jacobian = Jacobian(
            tape,
            losses,
            run.features or self.partition.shared,
            self.replicas,
            inverse_scale=1.0 / self.scale(1.0),
            sparse=self.sparse,
            summed=self.plan.level == "parameters",
        )
        return jacobian, mix

    def _products(self, blocks):
        """Returns the inner products of the rows."""
        found = product(blocks, blocks)
        # The replicas hold other samples of the same features, while J for the parameters is summed already.
        return self.replicas.sum(found) if self.plan.level == "features" else found

    def _answer(self, blocks, mix, gramian, read, losses, present):
        """Returns the direction by block, the weights, and the inner products of the rows with the direction [T].

        If the rows are read in chunks, there are no blocks and no direction.

        A solver may stop the program at a NaN. If anything is not finite, the weighting therefore reads zeros, and its
        answer is replaced by NaN, which skips the step.
        """
        finite = all_finite(gramian, read, losses)  # a row that is not finite has such an entry on the diagonal
        losses = tf.where(finite, losses, 1.0)

        def ask(read):
            return or_nan(finite, self.weighting(tf.where(finite, read, 0.0), losses, present))

        if not self.weighting.has_weights:
            directions, progress = aggregated(ask, blocks, self.weighting.by_column)
            return directions, tf.zeros([0]), progress
        weights = ask(read)
        of_rows = weights if mix is None else tf.linalg.matvec(mix, weights, transpose_a=True)
        with tf.control_dependencies([gramian]):  # so that nothing else reads the rows, and they are scaled in place
            directions = [block.combine(of_rows) for block in blocks or ()]
        return directions, weights, tf.linalg.matvec(gramian, weights)

    def _shared_gradients(self, tape, run, blocks, directions, weights):
        """Returns the gradients of the shared variables from the direction."""
        factor = self.scale(1.0)
        if blocks is None:
            return self._weighted_gradients(tape, run, weights)
        if self.plan.level == "parameters":  # the optimizer sums over the replicas, and J is summed already
            return restored(blocks, directions, factor / self.replicas.num)
        if self.plan.cut:
            seeds = restored(blocks, directions, factor)
            return tape.gradient(run.features, self.partition.shared, output_gradients=seeds)
        return self._weighted_gradients(tape, run, weights)

    def _weighted_gradients(self, tape, run, weights):
        """Returns the gradients of the weighted losses for the shared variables, from one pass."""
        return tape.gradient(run.scaled, self.partition.shared, output_gradients=tf.unstack(weights))

    def _own_gradients(self, tape, run):
        """Returns each task's plain gradients for its own variables."""
        pairs = zip(self.partition.own.values(), run.scaled, strict=True)
        return [tape.gradient(loss, own) for own, loss in pairs]

    def _of_objective(self, tape, run, losses, present):
        """Returns the update for a weighting that reads the losses."""
        finite = all_finite(losses)
        losses = tf.where(finite, losses, 1.0)
        with tf.GradientTape() as inner:
            inner.watch(losses)
            objective = self.weighting(losses, present)
        trained = self.weighting.trainable_variables
        weights, *gradients = inner.gradient(objective, [losses, *trained])
        weights = or_nan(finite, weights)
        factor = self.scale(1.0) / self.replicas.num
        targets, seeds = [*run.scaled, run.scaled_extra], [*tf.unstack(weights), tf.ones([])]
        variables = self.plan.variables[: len(self.plan.variables) - len(trained)]
        of_model = tape.gradient(targets, variables, output_gradients=seeds)
        of_model = filled(of_model, variables, self.batch.variables_of_weight_0)
        gradients = [*of_model, *(g * factor for g in gradients)]
        return self._logged(run, gradients, weights, tf.zeros([0]))

    def _update(self, tape, run, losses, present, shared, own, weights, conflicts, renewed=1.0):
        """Returns the update with the gradients of all variables in the plan's order."""
        plan = self.plan
        if plan.apply_to == "all":
            factors = self.weighting.own_weights(weights, losses)
            factors = tf.where(present > 0, factors, 1.0)  # a task may take no part for sharing nothing
            own = [[times(g, w) for g in task] for task, w in zip(own, tf.unstack(factors), strict=True)]
        gradients = [*shared, *(g for task in own for g in task)]
        extra = tape.gradient(run.scaled_extra, plan.variables)
        gradients = [sum_of(v, *parts) for v, *parts in zip(plan.variables, gradients, extra, strict=True)]
        if plan.every > 1:
            gradients = [alike(g, self.sparse) for g in gradients]  # both branches must return the same kinds
            if renewed:
                last = self.weighting.last_weights
                last.assign(tf.where(run.batch_losses.counts > 0, weights, last.value))
        return self._logged(run, gradients, weights, conflicts, renewed)

    def _logged(self, run, gradients, weights, conflicts, renewed=1.0):
        if weights.shape[0]:
            weights = weights * [o.loss_weight for o in self.batch.objectives.values()]
        return Update(run.batch_losses, run.extra, gradients, weights, conflicts, tf.constant(renewed))
