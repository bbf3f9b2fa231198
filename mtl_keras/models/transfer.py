"""Training in stages, and new tasks for a trained model."""

from typing import Any

import keras

from mtl_keras.engine import find_tensor, layers_between
from mtl_keras.models import freezing
from mtl_keras.task import Task


class Transfer:
    """The `freeze`, `unfreeze` and `add_task` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        tasks: List of `Task`s.
        tower_layers, feature_layers: As in `MultiTaskModel`, by task.
        frozen: `{part: positions of the layers in it that were trainable}`.
        compile_arguments: What `compile` was given, by name.
    """

    def build_optimizer(self) -> None:
        """Builds the optimizer on all variables that are trained when nothing is frozen."""
        with freezing.lifted(self, self.frozen):
            self.optimizer.build(self.trainable_variables)

    def freeze(self, *parts: str) -> None:
        """Freezes parts of the model: their variables, optimizer slots and batch-norm statistics do not change.

        For training in two stages: train everything, freeze the shared part, tune the heads. A compiled model is
        compiled again with the same arguments, and the optimizer keeps its slots. A frozen batch norm layer uses its
        statistics; dropout stays active. `callbacks.Freeze` does this at an epoch.

        Under a weighting, the loss of a frozen task still trains what it shares with others, and takes part. If that is
        frozen as well, the task takes no part. For weightings that read gradients, a frozen shared part leaves nothing
        to weigh: the weighting pauses, and continues when the part is trained again.

        Args:
            *parts: `"shared"` for what two or more tasks use; the name of a task for what only this task uses; or the
                name of a stage of the tower, as in `split_after`, for all its copies.

        Raises:
            ValueError: If a part does not exist or has nothing to train, nothing would be left to train, or the
                optimizer cannot leave variables unchanged: a plain `MultiOptimizer`, or one with `use_ema=True`.
        """
        parts = [part for part in dict.fromkeys(parts) if part not in self.frozen]
        for part in parts:
            freezing.check_part(self, part)
        if self.compiled:
            freezing.check_optimizer(self.optimizer)
            self.build_optimizer()
        frozen = {part: freezing.freeze(self, part) for part in parts}
        if not self.trainable_variables:
            for part, trainable in frozen.items():
                freezing.thaw(self, part, trainable)
            raise ValueError(f"`parts` must leave something to train. Received: {tuple(parts)}.")
        self.frozen = {**self.frozen, **frozen}
        self._compile_again()

    def unfreeze(self, *parts: str) -> None:
        """Unfreezes parts that `freeze` froze, by default all. Layers that were frozen in another way stay frozen."""
        unknown = [part for part in parts if part not in self.frozen]
        if unknown:
            raise ValueError(f"`parts` must be frozen ones, out of {list(self.frozen)}. Received: {unknown}.")
        for part in parts or list(self.frozen):
            trainable, others = self.frozen[part], {n: t for n, t in self.frozen.items() if n != part}
            freezing.thaw(self, part, trainable)
            for other, own in others.items():  # layers that belong to another frozen part stay frozen
                others[other] = sorted({*own, *freezing.overlap(self, part, trainable, other)})
                freezing.thaw(self, other, [])
            self.frozen = others
        self._compile_again()

    def _compile_again(self):
        if self.compiled:
            self.compile(**{**self.compile_arguments, "optimizer": self.optimizer})

    def add_task(
        self, task: Task, like: str | None = None, after: str | None = None, freeze: str | list[str] | None = None
    ) -> Any:
        """Returns a model with one more task: a new head on the layers of this model.

        For transfer: the two models share their layers, so that training or freezing one of them affects the other.

        Args:
            task: A `Task` with a new name.
            like: Name of the task whose features the new task uses, if the tasks have different features. With
                `sharing="hard"` all tasks have the same features.
            after: Name of a layer whose output becomes the features of the new task, instead of those of another task.
                Use it for an auxiliary classifier in the middle of a tower.
            freeze: What to freeze, as in `freeze`: `"shared"`, or a list of parts.

        Returns:
            A `MultiTaskModel`, not compiled.

        Raises:
            ValueError: If the name is taken, the features to use are ambiguous or unknown, both `like` and `after` are
                given, or this model is frozen.

        Example:

        ```python
        model = mtl.build_model((8, 8), [mtl.Task("digit", mtl.heads.Multiclass(10))])
        model.compile("adam")
        model.fit(np.ones((10, 8, 8)), {"digit": np.arange(10)}, verbose=0)
        model = model.add_task(mtl.Task("odd", mtl.heads.Binary()), freeze=["shared", "digit"])
        model.compile("adam")
        no_digits = np.full(10, -1)  # a missing label
        model.fit(mtl.data.from_arrays(np.ones((10, 8, 8)), {"digit": no_digits, "odd": np.arange(10) % 2}), verbose=0)
        ```
        """
        if task.name in self.output:
            raise ValueError(
                f"`task` must have a new name. Received: {task.name!r}, which is one of {self.task_names}."
            )
        if self.frozen:
            raise ValueError(f"The model must not be frozen. Received: frozen parts {list(self.frozen)}. Unfreeze it.")
        features, maker, tower = self._found(like, after)
        model = type(self)(
            self.input,
            {**self.output, task.name: task.head(features, task.name)},
            tasks=[*self.tasks, task],
            tower_layers={**self.tower_layers, task.name: tower},
            feature_layers={**self.feature_layers, task.name: maker},
            name=self.name,
        )
        if freeze:
            model.freeze(*keras.tree.flatten(freeze))
        return model

    def _found(self, like, after):
        """Returns the features of a new task, the name of their layer, and the layers of their tower."""
        if after is not None:
            if like is not None:
                raise ValueError(f"`like` and `after` exclude each other. Received: like={like!r}, after={after!r}.")
            features = self.get_layer(after).output
            behind = {layer.name for layer in layers_between(self.inputs, features)}
            towers = [[name for name in tower if name in behind] for tower in self.tower_layers.values()]
            return features, after, max(towers, key=len, default=[])
        if like is None and len(set(self.feature_layers.values())) == 1:
            like = next(iter(self.feature_layers))
        if like not in self.feature_layers:
            raise ValueError(
                "`like` must name the task whose features the new task uses, because they have different ones. "
                f"Expected one out of {list(self.feature_layers)}. Received: like={like!r}. For a custom graph, use "
                "`MultiTaskModel(model.inputs, {**model.output, name: output})`."
            )
        return (
            find_tensor(self.output[like], self.feature_layers[like]),
            self.feature_layers[like],
            self.tower_layers[like],
        )
