"""The training step on TensorFlow: one forward pass, the gradients of the tasks, one update."""

import contextlib

import keras
import tensorflow as tf

from mtl_keras.engine import plan as planning
from mtl_keras.engine.batch import Batch


class TrainStep:
    """The `train_step` and `test_step` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        objectives: `{task: Objective}`, each with `count`, `loss`, `update_state` and `loss_weight`.
        partition: The `Partition` of the trainable variables.
        penalties: `{name: Penalty}`, each with `value` and `mean`; added to the objective in training.
        labels(y, sample_weight): The labels and weights by task, checked.
        plan: The `Plan` for the weighting, or None.
    """

    def train_step(self, data):
        batch = Batch(self, data, _Replicas())
        if self.plan is None:
            self._plain_step(batch)
        else:
            self._weighted_step(batch)
        return self.get_metrics_result()

    def test_step(self, data):
        batch = Batch(self, data, _Replicas())
        y_pred = self(batch.x, training=False)
        losses = batch.losses(y_pred, training=False)
        batch.track(y_pred, losses, sum(batch.weighted(losses)) + batch.regularization())
        return {name: v for name, v in self.get_metrics_result().items() if name not in self.training_logs}

    def _plain_step(self, batch):
        """Trains the weighted sum, as Keras does."""
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            y_pred = self(batch.x, training=True)
            losses = batch.losses(y_pred, training=True)
            total = sum(batch.weighted(losses)) + batch.regularization() + batch.penalty()
            scaled = self.optimizer.scale_loss(total)
        gradients = tape.gradient(scaled, variables)
        with self._absent_unchanged(batch):
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        batch.track(y_pred, losses, total)

    def _weighted_step(self, batch):
        """Trains what the weighting makes of the losses."""
        plan, state = self.plan, self._state()
        before = [tf.identity(v.value) for v in state]
        if plan.every == 1:
            run = self._renewed(batch)
        elif batch.replicas.num > 1:
            raise ValueError(
                f"`every` must be 1 under a tf.distribute strategy with several replicas, which cannot sum inside a "
                f'condition. Received: every={plan.every}. Use `level="features"` to save time.'
            )
        else:
            due = tf.equal(tf.math.floormod(plan.weighting.step.value, float(plan.every)), 0.0)
            run = tf.cond(due, lambda: self._renewed(batch), lambda: self._reused(batch))
            plan.weighting.step.assign_add(1.0)
        total = sum(batch.weighted(run["losses"])) + run["extra"]
        finite = batch.replicas.all(tf.math.is_finite(total + tf.linalg.global_norm(run["gradients"])))
        with self._absent_unchanged(batch):
            self._apply(run["gradients"], finite, batch.replicas)
        after = [tf.where(finite, v.value, old) for v, old in zip(state, before, strict=True)]
        batch.replicas.assign(state, after)
        batch.track(run["y_pred"], run["losses"], total)
        skipped = tf.where(finite, 0.0, 1.0) / batch.replicas.num
        plan.track(run["weights"], run["conflict"], run["renewed"], skipped)
        if plan.reads == "losses" and plan.weighting.reads_losses_after_step:
            self._after_step(batch, run["losses"], before, finite)

    def _state(self):
        """Returns what a training step changes beside the trained variables: averages, seeds, the weighting's."""
        layers = [layer for layer in (*self.layers, self.plan.weighting) if layer.trainable]
        return list({id(v): v for layer in layers for v in layer.non_trainable_variables}.values())

    def _apply(self, gradients, finite, replicas):
        """Lets the optimizer make its step, unless something is not finite."""
        variables = self.plan.variables

        def step():
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))

        if self.plan.nonfinite == "raise":
            message = "A loss or gradient is not finite. Lower the learning rate, or compile with nonfinite='skip'."
            tf.debugging.Assert(finite, [message])
            step()
        elif isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            step()  # which skips such a step itself, and lowers the scale
        elif replicas.num == 1:
            tf.cond(finite, lambda: (step(), 0)[1], lambda: 0)
        else:
            touched = [*variables, *self.optimizer.variables]
            before = [tf.identity(v.value) for v in touched]
            step()
            replicas.assign(touched, [tf.where(finite, v.value, b) for v, b in zip(touched, before, strict=True)])

    @contextlib.contextmanager
    def _absent_unchanged(self, batch):
        """Undoes what happens inside to the own variables of tasks without any label in the batch.

        Their gradient is zero, but an optimizer with momentum or weight decay would move them all the same.
        """
        maybe_absent = [task for task, weight in batch.sample_weight.items() if weight is not None]
        own = [(v, batch.counts[task] > 0) for task in maybe_absent for v in self.partition.own[task]]
        before = [tf.identity(v.value) for v, _ in own]
        yield
        after = [tf.where(there, v.value, old) for (v, there), old in zip(own, before, strict=True)]
        batch.replicas.assign([v for v, _ in own], after)

    def _after_step(self, batch, losses, before, finite):
        """Tells the weighting the losses of the batch after the step, by a second forward pass.

        The pass starts from the seeds and averages of the first one, so that dropout draws the same, and leaves
        those that the first one left.
        """
        weighting = self.plan.weighting
        ids = {id(v) for v in weighting.variables}
        pairs = [(v, old) for v, old in zip(self._state(), before, strict=True) if id(v) not in ids]
        state = [v for v, _ in pairs]
        after = [tf.identity(v.value) for v in state]
        batch.replicas.assign(state, [old for _, old in pairs])
        new = batch.losses(self(batch.x, training=True), training=True)
        batch.replicas.assign(state, after)
        old, new = (batch.replicas.sum(tf.stack(batch.weighted(values))) for values in (losses, new))
        weighting.after_step(old, new, batch.present * tf.cast(finite, "float32"))

    # The gradients of a step, and what there is to log of it.

    def _forward(self, batch):
        """Returns the outputs and losses; to be called under a tape."""
        plan, scale = self.plan, self.optimizer.scale_loss
        run = {"y_pred": (plan.features_model or self)(batch.x, training=True), "features": None}
        if plan.features_model is not None:
            run.update(run["y_pred"])
        run["losses"] = batch.losses(run["y_pred"], training=True)
        run["scaled"] = [scale(loss) for loss in batch.weighted(run["losses"])]
        run["extra"] = tf.convert_to_tensor(batch.regularization() + batch.penalty(), tf.float32)
        run["scaled_extra"] = scale(run["extra"])
        if plan.reads == "halves":
            run["halves"] = [
                ([scale(loss) for loss in batch.weighted(losses)], tf.stack(shares))
                for losses, shares in batch.losses_of_halves(run["y_pred"])
            ]
        return run

    def _renewed(self, batch):
        """Asks the weighting."""
        plan, replicas = self.plan, batch.replicas
        with tf.GradientTape(persistent=True) as tape:
            run = self._forward(batch)
        losses = replicas.sum(tf.stack(batch.weighted(run["losses"])))  # [T]
        if plan.reads == "losses":
            return self._of_objective(tape, run, losses, batch)
        if plan.reads == "halves":
            (first, _), (second, _) = [self._jacobian(tape, run, half, {}, batch) for half, _ in run["halves"]]
            own = self._own_gradients(tape, run)
            blocks = [a.joined(b, [share for _, share in run["halves"]]) for a, b in zip(first, second, strict=True)]
        else:
            blocks, own = self._jacobian(tape, run, run["scaled"], self.partition.own, batch)
        rows = [block.rows for block in blocks]
        gramian = planning.gramian(rows)  # [T, T]
        if plan.level == "features":
            gramian = replicas.sum(gramian)  # the replicas hold other samples of the same features
        if plan.reads == "rows":
            joined = tf.concat(rows, axis=1)  # [T, P]
            direction = plan.weighting(joined, losses, batch.present)  # [P]
            progress = tf.linalg.matvec(joined, direction)
            directions = tf.split(direction, [row.shape[1] for row in rows])
            weights = tf.zeros([0])
        else:
            read = gramian
            if plan.reads == "halves":
                read = planning.cross_gramian([block.rows for block in first], [block.rows for block in second])
                read = replicas.sum(read) if plan.level == "features" else read
            weights = plan.weighting(read, losses, batch.present)
            progress = tf.linalg.matvec(gramian, weights)
            directions = planning.combine(rows, weights)
        if plan.level == "features":
            shared = self._weighted_gradients(tape, run, weights)
        else:  # the optimizer sums over the replicas, and J is summed already
            factor = self.optimizer.scale_loss(1.0) / replicas.num
            shared = [block.restore(d * factor) for block, d in zip(blocks, directions, strict=True)]
        conflict = [planning.conflict(gramian, batch.present), planning.conflict_after(progress, batch.present)]
        return self._result(tape, run, shared, own, weights, tf.stack(conflict), batch)

    def _reused(self, batch):
        """Uses the weights of the last step that asked the weighting."""
        with tf.GradientTape(persistent=True) as tape:
            run = self._forward(batch)
        weights = tf.convert_to_tensor(self.plan.weighting.last_weights)
        shared = self._weighted_gradients(tape, run, weights)
        own = self._own_gradients(tape, run)
        return self._result(tape, run, shared, own, weights, tf.zeros([2]), batch, renewed=0.0)

    def _weighted_gradients(self, tape, run, weights):
        """Returns the gradients of the weighted losses for the shared variables, from one pass."""
        return tape.gradient(run["scaled"], self.partition.shared, output_gradients=tf.unstack(weights))

    def _own_gradients(self, tape, run):
        """Returns each task's plain gradients for its own variables."""
        pairs = zip(self.partition.own.values(), run["scaled"], strict=True)
        return [tape.gradient(loss, own) for own, loss in pairs]

    def _of_objective(self, tape, run, losses, batch):
        """Returns the result for a weighting that reads the losses."""
        plan = self.plan
        with tf.GradientTape() as inner:
            inner.watch(losses)
            objective = plan.weighting(losses, batch.present)
        trained = plan.weighting.trainable_variables
        weights, *gradients = inner.gradient(objective, [losses, *trained])
        factor = self.optimizer.scale_loss(1.0) / batch.replicas.num
        targets, seeds = [*run["scaled"], run["scaled_extra"]], [*tf.unstack(weights), tf.ones([])]
        variables = plan.variables[: len(plan.variables) - len(trained)]
        of_model = tape.gradient(targets, variables, output_gradients=seeds)
        gradients = [*of_model, *(g * factor for g in gradients)]
        return self._logged(run, gradients, weights, tf.zeros([0]), batch)

    def _jacobian(self, tape, run, losses, own, batch):
        """Returns J as blocks [T, P_v], and the own gradients of each task, which come from the same passes.

        Args:
            losses: The scaled losses [T] to differentiate, a list.
            own: `{task: own variables}`.
        """
        plan, replicas = self.plan, batch.replicas
        sources = run["features"] or self.partition.shared
        dense = replicas.num > 1 or self.jit_compile or plan.reads != "gramian"
        inverse_scale = 1.0 / self.optimizer.scale_loss(1.0)
        rows, own_gradients = [], []
        for task, loss in zip(self.objectives, losses, strict=True):
            gradients = tape.gradient(loss, [*sources, *own.get(task, [])])
            rows.append(gradients[: len(sources)])
            own_gradients.append(gradients[len(sources) :])
        columns = zip(*rows, strict=True)
        blocks = [_block(s, column, inverse_scale, dense) for s, column in zip(sources, columns, strict=True)]
        if plan.level == "parameters":
            blocks = [_Block(replicas.sum(block.rows), block.restore) for block in blocks]
        return blocks, own_gradients

    def _result(self, tape, run, shared, own, weights, conflict, batch, renewed=1.0):
        """Returns the gradients of all variables in the plan's order, and what there is to log."""
        plan = self.plan
        if plan.apply_to == "all":
            own = [[_times(g, w) for g in task] for task, w in zip(own, tf.unstack(weights), strict=True)]
        gradients = [*shared, *(g for task in own for g in task)]
        extra = tape.gradient(run["scaled_extra"], plan.variables)
        gradients = [_sum(v, *parts) for v, *parts in zip(plan.variables, gradients, extra, strict=True)]
        if plan.every > 1:
            gradients = [tf.convert_to_tensor(g) for g in gradients]  # both branches must return the same kinds
            if renewed:
                last = plan.weighting.last_weights
                last.assign(tf.where(batch.present > 0, weights, last.value))
        return self._logged(run, gradients, weights, conflict, batch, renewed)

    def _logged(self, run, gradients, weights, conflict, batch, renewed=1.0):
        factors = [o.loss_weight for o in self.objectives.values()]
        return {
            **{name: run[name] for name in ("y_pred", "losses", "extra")},
            "gradients": gradients,
            "weights": weights * factors if weights.shape[0] else weights,
            "conflict": conflict,
            "renewed": tf.constant(renewed),
        }


class _Block:
    """The columns of J that belong to one variable or feature tensor.

    Args:
        rows: [T, P_v], float32.
        restore: Function that makes of a direction [P_v] a gradient of the variable.
    """

    def __init__(self, rows, restore):
        self.rows = rows
        self.restore = restore

    def joined(self, other, shares):
        """Returns the block of the whole batch from those of its halves and the halves' shares [T] of the labels."""
        first, second = (tf.expand_dims(share, 1) for share in shares)
        return _Block(first * self.rows + second * other.rows, self.restore)


def _block(source, column, inverse_scale, dense):
    """Returns the block of a source from its gradient for each task, None where the task does not reach it.

    The gradients of an embedding stay sparse: only the rows of the table that the batch looked up get columns.
    """
    present = [g for g in column if g is not None]
    if present and not dense and all(isinstance(g, tf.IndexedSlices) for g in present):
        table = tf.TensorShape(source.shape)
        used, position = tf.unique(tf.concat([g.indices for g in present], axis=0))
        positions = iter(tf.split(position, [tf.shape(g.indices)[0] for g in present]))
        size = tf.shape(used)[0]
        parts = [
            tf.zeros([size, *table[1:]])
            if g is None
            else tf.math.unsorted_segment_sum(tf.cast(g.values, tf.float32), next(positions), size)
            for g in column
        ]

        def restore(direction):
            values = tf.cast(tf.reshape(direction, [-1, *table[1:]]), source.dtype)
            return tf.IndexedSlices(values, used, tf.constant(table.as_list(), tf.int64))

    else:
        parts = [tf.zeros_like(source) if g is None else tf.convert_to_tensor(g) for g in column]

        def restore(direction):
            return tf.cast(tf.reshape(direction, tf.shape(source)), source.dtype)

    rows = tf.stack([tf.reshape(tf.cast(part, tf.float32), [-1]) for part in parts])
    return _Block(rows if isinstance(inverse_scale, float) else rows * inverse_scale, restore)


def _sum(variable, *gradients):
    """Returns the sum of the gradients that are there, sparse if the only one is."""
    gradients = [g for g in gradients if g is not None]
    if len(gradients) == 1:
        return gradients[0]
    return tf.add_n([tf.convert_to_tensor(g) for g in gradients]) if gradients else tf.zeros_like(variable)


def _times(gradient, factor):
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


class _Replicas:
    """The replicas of `tf.distribute` that a step runs on, from inside one of them."""

    def __init__(self):
        self.num = tf.distribute.get_strategy().num_replicas_in_sync

    def sum(self, tensor):
        """Returns the sum of the replicas' tensors, on every replica."""
        if self.num == 1:
            return tensor
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensor)

    def all(self, flag):
        """Returns whether a flag is true on all replicas."""
        return flag if self.num == 1 else self.sum(tf.cast(flag, tf.float32)) > self.num - 0.5

    def assign(self, variables, values):
        """Assigns the replica's values to its copies of variables, also where Keras leaves that to optimizers."""
        if self.num == 1:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return

        def assign(strategy, values):
            for variable, value in zip(variables, values, strict=True):
                strategy.extended.update(variable.value, lambda v, new: v.assign(new), args=(value,))

        tf.distribute.get_replica_context().merge_call(assign, args=(values,))
