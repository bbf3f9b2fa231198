"""A task: a name, a head, a loss and metrics."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from mtl_keras._arguments import count, error, number
from mtl_keras.heads import Head

RESERVED = {  # {name: its meaning}
    "shared": "the part that two or more tasks use, as in `model.freeze`",
    "loss": "the total in the logs",
    "val": "the validation in the logs",
    "epoch": "a column in the records of callbacks",
    "step": "a column of what callbacks record",
}


@keras.saving.register_keras_serializable(package="mtl_keras")
class Task:
    """One thing to predict.

    Args:
        name: Name of the task, for its output, its labels and the logs. Letters and digits, and `_`, `.`, `-` after the
            first character; not "shared", "loss", "val", "epoch" or "step".
        head: A `mtl_keras.heads.Head`: the layers above the task's features.
        loss: Any Keras loss; by default that of the head.
        metrics: List of Keras metrics; by default those of the head.
        weight: Weight of the task's loss in the training objective, at least 0.
        class_weight: `{class: factor}` for the losses of samples of a class, in training only, as in Keras' `fit`; 1
            for classes without an entry. For heads whose labels are classes, tags, or several labels. With several
            labels, `{label: factor}` weighs the columns.

    Raises:
        ValueError: If the name is reserved or not a valid name of an output, a weight is not a finite number of at
            least 0, or `class_weight` has a class that the head does not have.
        TypeError: If `head` is not a head.

    Example:

    ```python
    task = mtl.Task("digit", mtl.heads.Multiclass(10), weight=2.0, class_weight={9: 3.0})
    ```
    """

    def __init__(
        self,
        name: str,
        head: Head,
        loss: Any = None,
        metrics: list | None = None,
        weight: float = 1.0,
        class_weight: Mapping[int, float] | None = None,
    ):
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(
                "`name` must consist of ASCII letters, digits, `_`, `.` and `-`, and begin with a letter or digit. "
                f"Received: name={name!r}."
            )
        if not isinstance(head, Head):
            raise TypeError(
                f"`head` must be a mtl_keras.heads.Head, such as `mtl_keras.heads.Binary()`. Received: head={head!r}."
            )
        check_name(name)
        self.name = name
        self.head = head
        self.loss = loss
        self.metrics = metrics
        self.weight = float(number("weight", weight, at_least=0, hint="Use 1.0 to change nothing."))
        self.class_weight = self._checked(class_weight)

    def _checked(self, class_weight):
        if class_weight is None:
            return None
        if self.head.num_classes is None:
            raise ValueError(
                f"`class_weight` needs a head whose labels are classes. Task {self.name!r} has "
                f"{type(self.head).__name__}. Use sample weights instead."
            )
        if not isinstance(class_weight, Mapping):
            raise ValueError(error("class_weight", "a dict {class: factor}", class_weight, where=f"Task {self.name!r}"))
        where, last = f"Task {self.name!r}", self.head.num_classes - 1
        return {
            count("class_weight", label, at_least=0, at_most=last, where=where): float(
                number(f"class_weight[{label}]", factor, at_least=0, where=where)
            )
            for label, factor in class_weight.items()
        }

    def get_config(self) -> dict[str, Any]:
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
    def from_config(cls, config: dict[str, Any]) -> "Task":
        config = dict(config)
        for name in ("head", "loss", "metrics"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        if config["class_weight"]:  # files have strings as keys
            config["class_weight"] = {int(label): factor for label, factor in config["class_weight"].items()}
        return cls(**config)

    def __repr__(self) -> str:
        return f"Task({self.name!r}, {type(self.head).__name__})"


def check_name(name: str) -> None:
    """Raises a ValueError for a name that is reserved."""
    if name in RESERVED:
        raise ValueError(
            f"`name` must not be {name!r}, which stands for {RESERVED[name]}. Use another name for the task."
        )


def check_names(names: list[str]) -> None:
    """Raises a ValueError for names of tasks that are reserved or would make the logs ambiguous."""
    for name in names:
        check_name(name)
        if name.removeprefix("val_") != name and name.removeprefix("val_") in names:
            raise ValueError(
                f"The tasks must have names that can be told apart in the logs. Received: {name!r} beside "
                f"{name.removeprefix('val_')!r}, whose validation is logged under `val_`. Use another name."
            )
