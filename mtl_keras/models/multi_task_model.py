"""The multi-task model: a functional Keras model with one named output per task."""

import types
from typing import Any

import keras

from mtl_keras._arguments import by_task
from mtl_keras._types import Tensor
from mtl_keras.engine import TrainStep
from mtl_keras.models import check
from mtl_keras.models.compiling import Compilation, Compiling
from mtl_keras.models.hooks import Hooks
from mtl_keras.models.progress import Progress
from mtl_keras.models.running import Running
from mtl_keras.models.saving import Saving
from mtl_keras.models.transfer import Transfer
from mtl_keras.task import Task, check_names


@keras.saving.register_keras_serializable(package="mtl_keras")
class MultiTaskModel(Hooks, Compiling, Running, Transfer, Saving, TrainStep, keras.Model):
    """A functional Keras model whose outputs are a dict by task name.

    `mtl_keras.build_model` builds one from tasks. For a custom graph, use `MultiTaskModel(inputs, {task: output})`.
    `fit`, `evaluate`, `predict`, callbacks and `.keras` files work as in Keras, with these differences: labels may be
    missing (sample weight 0), every name is checked, and the logged losses of the tasks are also exact on a partial
    last batch.

    Args:
        inputs: Keras input, or a list or dict of them.
        outputs: `{task name: Keras tensor}`.
        tasks: List of `Task`s with the names of the outputs; or None for a custom graph, whose losses you then pass to
            `compile`.
        tower_layers: `{task name: list of the names of the layers between the inputs and the task's features}`, if
            known; `callbacks.SoftSharing` reads it.
        feature_layers: `{task name: name of the layer or operation that computes the task's features}`, if known;
            `add_task` reads it.
        name: Name of the model.

    Raises:
        ValueError: If `outputs` is not a dict, its names are not those of the tasks, or one is reserved, such as
            "shared".

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
                "`outputs` must have one tensor per task, without nested dicts or lists. "
                f"Received: {nested}. Give each tensor its own name."
            )
        check_names(list(self.output))
        self.tasks = list(tasks or [])
        if self.tasks:
            by_task("outputs", self.output, [task.name for task in self.tasks], complete=True)
        self.tower_layers = {task: list(layers) for task, layers in (tower_layers or {}).items()}
        self.feature_layers = dict(feature_layers or {})
        self.num_epochs = 0  # number of epochs that the model was trained for
        self.frozen = {}  # {part: positions of the layers in it that were trainable}
        self.weighting = None
        # In namespaces, because Keras would track the content of a dict forever.
        self._compilation = Compilation()
        self._testing = False
        self._hooks = types.SimpleNamespace(penalties={}, probes=[], endings=[])
        self._saved = types.SimpleNamespace(progress=Progress(self))

    @property
    def task_names(self) -> list[str]:
        """Names of the tasks, in the order of the outputs."""
        return list(self.output)

    @property
    def progress(self) -> Progress:
        """The state of a training that Keras does not save in variables: seeds and steps."""
        return self._saved.progress

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
        """Returns `{task: prediction, as from predict and exports}` from some tasks' outputs, `{task: tensor}`."""
        heads = {task.name: task.head for task in self.tasks}
        return {name: heads[name].predictions(y) if name in heads else y for name, y in outputs.items()}
