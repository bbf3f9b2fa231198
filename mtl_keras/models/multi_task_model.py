"""The multi-task model: a functional Keras model with one named output a task."""

import types
from typing import Any

import keras

from mtl_keras._arguments import by_task, count
from mtl_keras._registry import get
from mtl_keras._types import Tensor
from mtl_keras.engine import Partition, Plan, TrainStep
from mtl_keras.engine.graph import replace_layer
from mtl_keras.models import check, freezing
from mtl_keras.models.hooks import Hooks
from mtl_keras.models.objective import Objective
from mtl_keras.models.objectives import make_objectives
from mtl_keras.models.plan import check_optimizer, labels_since_update, make_plan
from mtl_keras.models.progress import Progress
from mtl_keras.models.running import Running
from mtl_keras.models.saving import Saving
from mtl_keras.models.total import Total
from mtl_keras.models.transfer import Transfer
from mtl_keras.task import Task, check_names
from mtl_keras.weightings import Weighting


@keras.saving.register_keras_serializable(package="mtl_keras")
class MultiTaskModel(Hooks, Running, Transfer, Saving, TrainStep, keras.Model):
    """A functional Keras model whose outputs are a dict by task name.

    `mtl_keras.build_model` makes one from tasks; a graph of your own becomes one by
    `MultiTaskModel(inputs, {task: output})`. `fit`, `evaluate`, `predict`, callbacks and `.keras` files work as
    in Keras. What differs: labels may be missing (sample weight 0), every name is checked, and the logged
    losses of the tasks are exact on a partial last batch too.

    Args:
        inputs: Keras input, or a list or dict of them.
        outputs: `{task name: Keras tensor}`.
        tasks: List of `Task`s with the names of the outputs, or None for a graph of your own, whose losses
            `compile` must then get.
        tower_layers: `{task name: list of the names of the layers between the inputs and the task's features}`, where
            that is known; `callbacks.SoftSharing` reads it.
        feature_layers: `{task name: name of the layer or operation that makes the task's features}`, where that is
            known; `add_task` reads it.
        name: Name of the model.

    Raises:
        ValueError: If `outputs` is no dict, its names are not those of the tasks, or one is reserved, such as "shared".

    Example:

    ```python
    image = keras.Input((8, 8), name="image")
    features = keras.layers.Flatten()(image)
    outputs = {"ink": keras.layers.Dense(1)(features), "odd": keras.layers.Dense(1, activation="sigmoid")(features)}
    model = mtl.MultiTaskModel(image, outputs)
    model.compile("adam", loss={"ink": "mse", "odd": "binary_crossentropy"}, loss_weights={"ink": 0.5})
    history = model.fit(np.ones((4, 8, 8)), {"ink": np.ones(4), "odd": np.ones(4)}, verbose=0)
    sorted(history.history)  # ['ink_loss', 'loss', 'odd_loss']
    ```
    """

    def __init__(
        self,
        *args: Any,
        tasks: list[Task] | None = None,
        tower_layers: dict[str, list[str]] | None = None,
        feature_layers: dict[str, str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        if not isinstance(self.output, dict):
            raise ValueError(
                f"`outputs` must be a dict by task name, such as {{'digit': tensor}}. Received: {self.output!r}."
            )
        nested = {name: list(value) for name, value in self.output.items() if isinstance(value, (dict, list, tuple))}
        if nested:
            raise ValueError(
                "`outputs` must have one tensor a task, without dicts or lists inside. "
                f"Received: {nested}. Give each tensor a name of its own."
            )
        check_names(list(self.output))
        self.tasks = list(tasks or [])
        if self.tasks:
            by_task("outputs", self.output, [task.name for task in self.tasks], complete=True)
        self.tower_layers = {task: list(layers) for task, layers in (tower_layers or {}).items()}
        self.feature_layers = dict(feature_layers or {})
        self.num_epochs = 0  # that the model has been trained for
        self.frozen = {}  # {part: positions of the layers in it that were trainable}
        self.weighting = None
        # In namespaces, because Keras would track what is in a dict and never forget it.
        self._compilation = types.SimpleNamespace(
            objectives={},
            total=None,
            partition=None,
            plan=None,
            labels_since_update=None,
            arguments={},
            trained=set(),
            metrics_names=[],
        )
        self._testing = False
        self._hooks = types.SimpleNamespace(penalties={}, probes=[], endings=[])
        self._saved = types.SimpleNamespace(progress=Progress(self))

    @property
    def task_names(self) -> list[str]:
        """Names of the tasks, in the order of the outputs."""
        return list(self.output)

    @property
    def objectives(self) -> dict[str, Objective]:
        """`{task: Objective}` as `compile` resolved them."""
        return self._compilation.objectives

    @property
    def partition(self) -> Partition | None:
        """The `Partition` of the variables that were trainable at `compile`."""
        return self._compilation.partition

    @property
    def plan(self) -> Plan | None:
        """The `Plan` for the weighting, or None where the weighted sum of the losses is trained."""
        return self._compilation.plan

    @property
    def compile_arguments(self) -> dict[str, Any]:
        """What `compile` was given, by name, with the optimizer and the weighting as objects."""
        return self._compilation.arguments

    @property
    def progress(self) -> Progress:
        """What of a training is in no variable that Keras saves: seeds and steps."""
        return self._saved.progress

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        penalty_means = [penalty.mean for penalty in self.penalties.values()]
        meters = self.plan.meters if self.plan else []
        of_keras = super().metrics
        if self.total is not None:
            of_keras[0] = self.total  # in place of the mean of the batches' losses
        return [*of_keras, *self.objectives.values(), *penalty_means, *meters]

    @property
    def total(self) -> keras.metrics.Metric | None:
        """The `loss` of the logs."""
        return self._compilation.total

    @property
    def labels_since_update(self) -> keras.Variable | None:
        """Which tasks have had labels since the optimizer's last update, [T]; None where each batch is an update."""
        return self._compilation.labels_since_update

    @property
    def training_logs(self) -> set[str]:
        """Names of the logs that exist in training only."""
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
        **kwargs: Any,
    ) -> None:
        """Configures the model for training.

        Args:
            optimizer: As in Keras.
            loss: `{task: Keras loss}`, over the tasks' own, or one Keras loss for all tasks.
            loss_weights: `{task: number}`, over the tasks' `weight`. Under every weighting the others train as if a
                task of weight 0 did not exist.
            metrics: `{task: list of Keras metrics}`, over the tasks' own. They count every label that is there
                once, whatever its sample weight. `[]` for none at all.
            weighted_metrics: `{task: list of Keras metrics}` that use the sample weights.
            weighting: What is made of the tasks' losses or gradients: a look-up string (`"pcgrad"`) or a member of
                `mtl_keras.weightings`. It sees the losses times their `loss_weights`. None trains their sum. A task
                whose own variables are frozen takes part, as its loss trains the shared ones; one that reaches nothing
                that is trained does not, nor one that shares nothing where the gradients of the shared part are read.
            level: For a weighting that reads gradients, with respect to what: `"parameters"`, the shared variables;
                or `"features"`, the tensors where the tasks' graphs part, at about the cost of the plain sum.
            every: The weights are renewed every so many steps; in between the last ones weigh the losses.
            apply_to: `"shared"`: the weights act on the shared variables, and the own variables of a task take its
                plain gradient; `"all"`: they act on the own variables, too. By default `"all"` for weightings that read
                losses, where there is no other, and for those whose paper weighs the losses as a whole: `gradnorm`,
                `excess_mtl`, `imtl` (by the learned scales) and `db_mtl` (by 1 / loss); `"shared"` for the others.
            nonfinite: What happens in a step with a loss or gradient that is not finite, under a weighting: `"skip"`
                leaves everything as it was and counts it in the logs as `skipped_steps`; `"raise"` stops.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile`, `auto_scale_loss`, as in Keras.

        Raises:
            ValueError: If a name is not that of a task, a task has no loss, or a number is negative.
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
        }
        partition = Partition(self)
        if self.frozen:
            freezing.check_optimizer(arguments["optimizer"])
        objectives = make_objectives(self, loss, loss_weights, metrics, weighted_metrics)
        weights = {task: objective.loss_weight for task, objective in objectives.items()}
        plan = make_plan(self, arguments["weighting"], partition, weights, level, every, apply_to, nonfinite)
        for objective in objectives.values():
            objective.skips_nonfinite = plan is not None
        self._set_weighting(plan and plan.weighting)
        super().compile(optimizer=arguments["optimizer"], **kwargs)
        if plan:
            check_optimizer(self.optimizer)
        if plan or self.frozen:
            self.build_optimizer()  # in the order in which a load builds it
        self._compilation.objectives = objectives
        self._compilation.labels_since_update = labels_since_update(self.optimizer, len(self.task_names))
        self._compilation.total = Total(lambda: self.objectives, self._weights_of_epoch)
        self._compilation.partition = partition
        self._compilation.plan = plan
        self._compilation.arguments = {**arguments, **kwargs}
        self._compilation.metrics_names = []
        self._compilation.trained = {id(v) for v in self.trainable_variables}

    def follow_trainable(self) -> None:
        """Compiles anew if a layer was frozen, thawed or extended since `compile`, and no training step is traced yet.

        After that Keras, too, asks for another `compile`.
        """
        is_traced = self.train_function is not None and not self.run_eagerly
        trained = {id(v) for v in self.trainable_variables}
        if not self.compiled or is_traced or trained == self._compilation.trained:
            return
        arguments = dict(self.compile_arguments)
        if not trained <= self._compilation.trained and not int(self.optimizer.iterations):
            optimizer = self.optimizer  # may be built, and takes no more variables then
            arguments["optimizer"] = type(optimizer).from_config(optimizer.get_config())
        self.compile(**arguments)

    def _weights_of_epoch(self):
        return self.weighting.weights_of_epoch() if self.weighting else None

    def _set_weighting(self, weighting):
        """Makes a weighting a layer of the model, so that its state is trained and saved with it."""
        replaced, self.weighting = self.weighting, weighting
        replace_layer(self, replaced, weighting)  # Keras neither takes a layer back nor adds one that it has had

    def labels(self, y: Any, sample_weight: Any) -> tuple[dict[str, Tensor], dict[str, Tensor | None]]:
        """Returns labels and sample weights of a batch by task; raises a ValueError on wrong names or shapes."""
        names = self.task_names
        y = check.by_task("y", y, names)
        if sample_weight is None:
            sample_weight = dict.fromkeys(names)
        sample_weight = check.by_task("sample_weight", sample_weight, names)
        heads = {task.name: task.head for task in self.tasks}
        for name in names:
            expected = heads[name].label_shape(self.output[name].shape) if name in heads else None
            check.check_shape(name, y[name], self.output[name], sample_weight[name], expected)
            check.check_kind(name, y[name], self.output[name], self.objectives[name])
        return y, sample_weight

    def predict_step(self, data: Any) -> dict[str, Tensor]:
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.predictions(self(x, training=False))

    def predictions(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{task: what predict and exports give}` from some tasks' outputs, `{task: tensor}`."""
        heads = {task.name: task.head for task in self.tasks}
        return {name: heads[name].predictions(y) if name in heads else y for name, y in outputs.items()}
