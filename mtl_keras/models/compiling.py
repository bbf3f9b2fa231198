"""The `compile` of a multi-task model."""

import dataclasses
from typing import Any

import keras

from mtl_keras._arguments import count
from mtl_keras._registry import get
from mtl_keras.engine import Partition, Plan
from mtl_keras.engine.graph import replace_layer
from mtl_keras.models import freezing
from mtl_keras.models.objective import Objective
from mtl_keras.models.objectives import make_objectives
from mtl_keras.models.plan import check_optimizer, labels_since_update, make_plan
from mtl_keras.models.replicas import check_replicas
from mtl_keras.models.total import Total
from mtl_keras.weightings import Weighting


@dataclasses.dataclass
class Compilation:
    """The results of `compile`. In a separate object, because Keras would track the content of a dict forever."""

    objectives: dict = dataclasses.field(default_factory=dict)
    total: Total | None = None
    partition: Partition | None = None
    plan: Plan | None = None
    labels_since_update: keras.Variable | None = None
    arguments: dict = dataclasses.field(default_factory=dict)
    trained: set = dataclasses.field(default_factory=set)  # ids of the variables that were trainable
    metrics_names: list = dataclasses.field(default_factory=list)  # names of the results of the last evaluation


class Compiling:
    """The `compile` and `metrics` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        tasks, task_names, frozen, weighting: As in `MultiTaskModel`.
        distribute_strategy: As in Keras.
        penalties: As in `Hooks`.
        build_optimizer(): Builds the optimizer on all variables.
        _compilation: A `Compilation`.
    """

    @property
    def objectives(self) -> dict[str, Objective]:
        """`{task: Objective}` from `compile`."""
        return self._compilation.objectives

    @property
    def partition(self) -> Partition | None:
        """The `Partition` of the variables that were trainable at `compile`."""
        return self._compilation.partition

    @property
    def plan(self) -> Plan | None:
        """The `Plan` for the weighting, or None if the weighted sum of the losses is trained."""
        return self._compilation.plan

    @property
    def compile_arguments(self) -> dict[str, Any]:
        """The arguments of `compile`, by name, with the optimizer and the weighting as objects."""
        return self._compilation.arguments

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        penalty_means = [penalty.mean for penalty in self.penalties.values()]
        meters = self.plan.meters if self.plan else []
        of_keras = super().metrics
        if self.total is not None:
            of_keras[0] = self.total  # replaces the mean of the batches' losses
        return [*of_keras, *self.objectives.values(), *penalty_means, *meters]

    @property
    def total(self) -> keras.metrics.Metric | None:
        """The `loss` of the logs."""
        return self._compilation.total

    @property
    def labels_since_update(self) -> keras.Variable | None:
        """Which tasks had labels since the optimizer's last update, [T]; None if each batch is an update."""
        return self._compilation.labels_since_update

    @property
    def training_logs(self) -> set[str]:
        """Names of the logs that exist only in training."""
        names = [penalty.mean.name for penalty in self.penalties.values()]
        if self.plan:
            names += [*self.plan.logs, *(metric.name for metric in self.weighting.metrics)]
        return set(names)

    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "rmsprop",
        loss: Any = None,
        loss_weights: dict[str, float] | None = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        weighting: str | Weighting | None = None,
        level: str = "parameters",
        every: int = 1,
        apply_to: str | None = None,
        nonfinite: str = "skip",
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures the model for training.

        Args:
            optimizer: As in Keras.
            loss: `{task: Keras loss}`, overriding the losses of the tasks, or one Keras loss for all tasks.
            loss_weights: `{task: number}`, overriding the `weight` of the tasks. A task of weight 0 has no influence on
                the training of the others, under any weighting.
            metrics: `{task: list of Keras metrics}`, overriding the metrics of the tasks. They count every label once
                if its sample weight is not 0. `[]` for none at all.
            weighted_metrics: `{task: list of Keras metrics}` that use the sample weights.
            weighting: How to combine the losses or gradients of the tasks: a look-up string (`"pcgrad"`) or a member of
                `mtl_keras.weightings`. It gets the losses times their `loss_weights`. None trains their sum. If a
                method takes logarithms of losses or divides by them, negative losses are an error at that step. A task
                whose own variables are frozen takes part, because its loss trains the shared ones. A task that reaches
                no trained variables does not take part. If the gradients of the shared part are read, neither does a
                task that shares nothing.
            level: For a weighting that reads gradients, what they are with respect to: `"parameters"`, the shared
                variables; or `"features"`, the tensors where the tasks' graphs separate, at about the cost of the plain
                sum.
            every: The weights are updated every n steps; in between, the last ones weigh the losses.
            apply_to: `"shared"`: the weights act on the shared variables, and the own variables of a task get its plain
                gradient. `"all"`: they also act on the own variables. By default `"all"` for weightings that read
                losses, where it is the only option, and for those whose paper weighs the whole losses: `gradnorm`,
                `excess_mtl`, `imtl` (by the learned scales) and `db_mtl` (by 1 / loss); `"shared"` for the others.
            nonfinite: What to do in a step with a loss or gradient that is not finite, under a weighting: `"skip"`
                changes nothing in this step and counts it in the logs as `skipped_steps`; `"raise"` stops.
            chunk_size: For a weighting that reads gradients and returns weights, how many gradients of the shared
                variables are in memory at once. None for all, which is fastest. With T / n of T gradients, a step needs
                about (n + 1) / 2 times as many backward passes, and gives the same result.

        Raises:
            ValueError: If a name is not a task, a task has no loss, or a number is negative.
        """
        arguments = {
            "optimizer": keras.optimizers.get(optimizer),
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "weighting": get("weightings", weighting),
            "level": level,
            "every": count("every", every),
            "apply_to": apply_to,
            "nonfinite": nonfinite,
            "chunk_size": chunk_size,
        }
        with self.distribute_strategy.scope():  # also where a callback compiles, or the replicas would share metrics
            partition = Partition(self)
            if self.frozen:
                freezing.check_optimizer(arguments["optimizer"])
            objectives = make_objectives(self, loss, loss_weights, metrics, weighted_metrics)
            weights = {task: objective.loss_weight for task, objective in objectives.items()}
            plan = make_plan(
                self, arguments["weighting"], partition, weights, level, every, apply_to, nonfinite, chunk_size
            )
            for objective in objectives.values():
                objective.skips_nonfinite = plan is not None and objective.loss_weight != 0
            self._set_weighting(plan and plan.weighting)
            super().compile(optimizer=arguments["optimizer"], **kwargs)
            check_replicas(self)
            if plan:
                check_optimizer(self.optimizer)
            if plan or self.frozen:
                self.build_optimizer()  # in the same order as when a file is loaded
            self._compilation = Compilation(
                objectives=objectives,
                total=Total(lambda: self.objectives, self._weights_of_epoch),
                partition=partition,
                plan=plan,
                labels_since_update=labels_since_update(self.optimizer, len(self.task_names)),
                arguments={**arguments, **kwargs},
                trained={id(v) for v in self.trainable_variables},
            )

    def follow_trainable(self) -> None:
        """Compiles again if layers were frozen, unfrozen or extended since `compile`, and no step is traced yet.

        After tracing, the user must call `compile` again, as in Keras.
        """
        is_traced = self.train_function is not None and not self.run_eagerly
        trained = {id(v) for v in self.trainable_variables}
        if not self.compiled or is_traced or trained == self._compilation.trained:
            return
        arguments = dict(self.compile_arguments)
        if not trained <= self._compilation.trained and not int(self.optimizer.iterations):
            optimizer = self.optimizer  # once built, it accepts no further variables
            with self.distribute_strategy.scope():
                arguments["optimizer"] = type(optimizer).from_config(optimizer.get_config())
        self.compile(**arguments)

    def _weights_of_epoch(self):
        return self.weighting.weights_of_epoch() if self.weighting else None

    def _set_weighting(self, weighting):
        """Adds a weighting to the model as a layer, so that its state is trained and saved with the model."""
        replaced, self.weighting = self.weighting, weighting
        replace_layer(self, replaced, weighting)  # Keras can neither remove a layer nor add one again
