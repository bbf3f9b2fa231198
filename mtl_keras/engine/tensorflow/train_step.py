"""The training step on TensorFlow: one forward pass, the gradients of the tasks, one update."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras._types import Tensor
from mtl_keras.engine.batch import Batch
from mtl_keras.engine.tensorflow.clipping import clipped_sums
from mtl_keras.engine.tensorflow.gradients import filled
from mtl_keras.engine.tensorflow.own_parts import OwnParts
from mtl_keras.engine.tensorflow.replicas import Replicas
from mtl_keras.engine.tensorflow.several_workers import SeveralWorkers
from mtl_keras.engine.tensorflow.weighted_step import WeightedStep


class TrainStep(SeveralWorkers):
    """The `train_step` and `test_step` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        objectives: `{task: Objective}`, each with `entries`, `mask`, `update_state` and `loss_weight`.
        labels_since_update: Which tasks had labels since the last update, [T], if gradients are accumulated.
        total: The metric of the `loss` in the logs.
        testing(): A context in which the logs are those of a test.
        partition: The `Partition` of the trainable variables.
        penalties: `{name: Penalty}`, each with `value` and `mean`; added to the objective in training.
        labels(y, sample_weight): The labels and weights by task, checked.
        plan: The `Plan` for the weighting, or None.
        probes: Functions that are called with each batch that is trained, before the update.
    """

    def train_step(self, data: Any) -> dict[str, Tensor]:
        batch = Batch(self, data, Replicas())
        for probe in self.probes:
            probe(batch)
        if self.plan is None:
            self._plain_step(batch)
        else:
            self._weighted_step(batch)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict[str, Tensor]:
        batch = Batch(self, data, Replicas())
        batch_losses = batch.losses(self(batch.x, training=False), training=False)
        batch.track(batch_losses, batch.regularization())
        with self.testing():
            return self.get_metrics_result()

    def _plain_step(self, batch):
        """Trains the weighted sum, as Keras does."""
        variables = self.trainable_variables
        own = OwnParts(self, batch)
        with tf.GradientTape() as tape:
            batch_losses = batch.losses(self(batch.x, training=True), training=True)
            extra = batch.regularization() + batch.penalty()
            scaled = self.optimizer.scale_loss(sum(batch.weighted(batch_losses.losses)) + extra)
        gradients = filled(tape.gradient(scaled, variables), variables, batch.variables_of_weight_0)
        gradients = clipped_sums(self.optimizer, gradients, variables, batch.replicas)
        with own.unchanged_where_absent(batch_losses.counts):
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        batch.track(batch_losses, extra)

    def _weighted_step(self, batch):
        """Trains the losses as combined by the weighting."""
        plan, state, own = self.plan, self._state(), OwnParts(self, batch)
        before = [tf.identity(v.value) for v in state]
        step = WeightedStep(
            plan.features_model or self,
            batch,
            self.partition,
            plan,
            self.optimizer.scale_loss,
            self.jit_compile,
        )
        if plan.every == 1:
            run = step.renewed()
        else:
            due = tf.equal(tf.math.floormod(plan.weighting.step.value, float(plan.every)), 0.0)
            run = batch.replicas.cond(due, step.renewed, step.reused)
            plan.weighting.step.assign_add(1.0)
        batch_losses = run.batch_losses
        total = sum(batch.weighted(batch_losses.losses)) + run.extra
        finite = batch.replicas.all(tf.math.is_finite(total + tf.linalg.global_norm(run.gradients)))
        with own.unchanged_where_absent(batch_losses.counts):
            self._apply(run.gradients, finite, batch.replicas)
            after = [tf.where(finite, v.value, old) for v, old in zip(state, before, strict=True)]
            batch.replicas.assign(state, after)
        batch.track(batch_losses, run.extra, finite)
        plan.track(run.weights, run.conflict, run.renewed, tf.where(finite, 0.0, 1.0) / batch.replicas.num)
        if plan.weighting.reads_losses_after_step:
            self._after_step(batch, batch_losses, before, finite)

    def _state(self):
        """Returns the variables that a step changes besides the trained ones: averages, seeds, the weighting's."""
        layers = [layer for layer in (*self.layers, self.plan.weighting) if layer.trainable]
        return list({id(v): v for layer in layers for v in layer.non_trainable_variables}.values())

    def _apply(self, gradients, finite, replicas):
        """Makes the step of the optimizer, unless something is not finite."""
        variables = self.plan.variables
        gradients = clipped_sums(self.optimizer, gradients, variables, replicas)

        def step():
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))

        if self.plan.nonfinite == "raise":
            message = "A loss or gradient is not finite. Lower the learning rate, or compile with nonfinite='skip'."
            tf.debugging.Assert(finite, [message])
            step()
        elif isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            step()  # a loss-scale optimizer skips such a step itself, and lowers the scale
        elif not replicas.meet:
            tf.cond(finite, lambda: (step(), 0)[1], lambda: 0)
        else:
            touched = [*variables, *self.optimizer.variables]
            before = [tf.identity(v.value) for v in touched]
            step()
            replicas.assign(touched, [tf.where(finite, v.value, b) for v, b in zip(touched, before, strict=True)])

    def _after_step(self, batch, batch_losses, before, finite):
        """Passes the losses of the batch after the step to the weighting; this takes a second forward pass.

        The pass starts from the seeds and averages of the first one, so dropout draws the same. Afterwards, they have
        the values that the first pass left.
        """
        weighting = self.plan.weighting
        ids = {id(v) for v in weighting.variables}
        pairs = [(v, old) for v, old in zip(self._state(), before, strict=True) if id(v) not in ids]
        state = [v for v, _ in pairs]
        after = [tf.identity(v.value) for v in state]
        batch.replicas.assign(state, [old for _, old in pairs])
        new = batch.losses(self(batch.x, training=True), training=True)
        batch.replicas.assign(state, after)
        old, new = (batch.replicas.sum(tf.stack(batch.weighted(of.losses))) for of in (batch_losses, new))
        weighting.after_step(old, new, self.plan.present(batch_losses.counts) * tf.cast(finite, "float32"))
