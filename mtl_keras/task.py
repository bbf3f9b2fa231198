"""A task: a name, a head, and what to train and judge it by."""

import re

import keras

from mtl_keras.heads import Head


@keras.saving.register_keras_serializable(package="mtl_keras")
class Task:
    """One thing to predict.

    Args:
        name: Name of the task: of its output, its labels and its column in the logs. Letters, digits, and
            `_`, `.`, `-` after the first character.
        head: A `mtl_keras.heads.Head`: the layers above the task's features.
        loss: Any Keras loss; the head's by default.
        metrics: List of Keras metrics; the head's by default.
        weight: Factor of the task's loss in the sum that is trained, at least 0.
        class_weight: `{class: factor}` for the losses of the samples of a class, in training only, as in Keras'
            `fit`; 1 for classes that are not named. For heads whose labels are classes.

    Raises:
        ValueError: If the name cannot name an output, a weight is negative, or `class_weight` names a class
            that the head does not have.
        TypeError: If `head` is not a head.

    Example:

    ```python
    task = mtl.Task("digit", mtl.heads.Multiclass(10), weight=2.0, class_weight={9: 3.0})
    ```
    """

    def __init__(self, name, head, loss=None, metrics=None, weight=1.0, class_weight=None):
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(
                "`name` must consist of ASCII letters, digits, `_`, `.` and `-`, and begin with a letter or digit. "
                f"Received: name={name!r}."
            )
        if not isinstance(head, Head):
            raise TypeError(
                f"`head` must be a mtl_keras.heads.Head, such as `mtl_keras.heads.Binary()`. Received: head={head!r}."
            )
        if not isinstance(weight, (int, float)) or not weight >= 0:
            raise ValueError(f"`weight` must be a number of at least 0. Received: weight={weight!r}.")
        self.name = name
        self.head = head
        self.loss = loss
        self.metrics = metrics
        self.weight = float(weight)
        self.class_weight = self._checked(class_weight)

    def _checked(self, class_weight):
        if class_weight is None:
            return None
        if self.head.num_classes is None:
            raise ValueError(
                f"`class_weight` needs a head whose labels are classes. Task {self.name!r} has "
                f"{type(self.head).__name__}. Use sample weights instead."
            )
        class_weight = {int(label): float(factor) for label, factor in class_weight.items()}
        for label, factor in class_weight.items():
            if not 0 <= label < self.head.num_classes or not factor >= 0:
                raise ValueError(
                    f"`class_weight` must map classes 0 to {self.head.num_classes - 1} to numbers of at least 0. "
                    f"Received for task {self.name!r}: class_weight={class_weight}."
                )
        return class_weight

    def get_config(self):
        class_weight = self.class_weight and {str(label): factor for label, factor in self.class_weight.items()}
        return {
            "name": self.name,
            "head": keras.saving.serialize_keras_object(self.head),
            "loss": keras.saving.serialize_keras_object(self.loss),
            "metrics": keras.saving.serialize_keras_object(self.metrics),
            "weight": self.weight,
            "class_weight": class_weight,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("head", "loss", "metrics"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)

    def __repr__(self):
        return f"Task({self.name!r}, {type(self.head).__name__})"
