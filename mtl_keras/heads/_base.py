"""Base class of heads: the output layers of a task."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import counts
from mtl_keras._types import Shape, Tensor


class Head:
    """Turns a task's features into its output, in the task's natural unit.

    Abstract. A head is called once, while the model is built. It adds plain Keras layers that are named after the
    task. Features of rank over 2 (maps, sequences) are averaged over their positions first. The output layer
    is an activation in float32, which the loss reads directly, so that Keras finds the logits behind it.

    Args:
        hidden: Widths of the dense layers of the head, between the features and the output.
        activation: Activation of those layers.
    """

    num_classes = None  # number of classes, if classes can have weights
    is_binary = False  # whether the output is one probability, that of yes
    keeps_positions = False  # whether there is an answer for every position of a sequence or map
    num_labels = None  # number of outputs, if they can have names
    label_range = None  # the lowest and the highest label that its default loss accepts; None for no limits
    output_kind = None  # a kind of `PoolPredictions`, if outputs of several models can be pooled

    def __init__(self, hidden: tuple[int, ...] = (), activation: str = "relu"):
        self.hidden = counts("hidden", hidden, empty=True)
        self.activation = activation

    def __call__(self, features: Tensor, name: str) -> Tensor:
        """Applies the head.

        Args:
            features: Keras tensor, [batch, ..., channels].
            name: Name of the task. It is the name of the last layer, and the other names begin with it.

        Returns:
            Keras tensor in float32, [batch, units].
        """
        return self.activate(self.logits(self.represent(features, name), name), name)

    def pool(self, features: Tensor, name: str) -> Tensor:
        """Returns the features [batch, channels], averaged over their positions if they have any."""
        if len(features.shape) == 2:
            return features
        pooling = {3: keras.layers.GlobalAveragePooling1D, 4: keras.layers.GlobalAveragePooling2D}
        if len(features.shape) not in pooling:
            raise ValueError(
                f"The features of task {name!r} must have rank 2, 3 or 4. Received shape {tuple(features.shape)}. "
                "End the tower with a pooling or Flatten layer."
            )
        return pooling[len(features.shape)](name=f"{name}_pool")(features)

    def represent(self, features: Tensor, name: str) -> Tensor:
        """Returns the input of the output layer: the pooled features after the dense layers of the head."""
        x = self.pool(features, name)
        for i, width in enumerate(self.hidden, start=1):
            x = keras.layers.Dense(width, activation=self.activation, name=f"{name}_hidden{i}")(x)
        return x

    def logits(self, x: Tensor, name: str) -> Tensor:
        """Returns the output before its activation, in float32, from what `represent` returned."""
        units, _ = self._output()
        return keras.layers.Dense(units, dtype="float32", name=f"{name}_linear")(x)

    def activate(self, logits: Tensor, name: str) -> Tensor:
        """Returns the task's output from its logits."""
        _, activation = self._output()
        return keras.layers.Activation(activation, dtype="float32", name=name)(logits)

    def hand_on(self, logits: Tensor, name: str) -> Tensor:
        """Returns the form of this task's prediction that a later task of a cascade reads."""
        return self.activate(logits, name)

    def loss(self) -> keras.losses.Loss:
        """Returns the default loss, a new `keras.losses.Loss`."""
        raise NotImplementedError

    def metrics(self) -> list[keras.metrics.Metric]:
        """Returns the default metrics, a list of new `keras.metrics.Metric`s."""
        raise NotImplementedError

    def class_weights(self, factors: Tensor, y: Tensor, y_pred: Tensor) -> Tensor:
        """Returns the factors of the losses of labels, [batch, ...].

        Args:
            factors: The factor of each class. [num_classes]
            y: Labels: class numbers, or one-hot rows in the shape of the output.
            y_pred: The output.
        """
        if len(y.shape) == len(y_pred.shape) and y.shape[-1] == y_pred.shape[-1] > 1:
            y = ops.argmax(y, axis=-1)
        return ops.take(factors, ops.cast(y, "int32"))

    def label_shape(self, output_shape: Shape) -> Shape | None:
        """Returns the shape that the labels must have, with None for any size; None if any shape will do.

        Args:
            output_shape: Shape of the output.
        """
        return None

    def predictions(self, output: Tensor) -> Tensor:
        """Turns an output into what `predict`, the metrics and exports get. The loss gets the output itself.

        Args:
            output: Tensor or Keras tensor, the output of the head's last layer.
        """
        return output

    def pooled(self) -> "Head":
        """Returns the head for the mean of the outputs of several models."""
        return self

    def of_predictions(self) -> "Head":
        """Returns the same head without hidden layers and sizes, for features that are predictions."""
        return type(self).from_config({**self.get_config(), "hidden": []})

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        """Turns an output into a decision, for exported models that return answers instead of numbers.

        Args:
            output: Tensor, what `predictions` returned, [B, units].
            top_k: Number of labels to return, best score first, if the head has several; all by default.

        Returns:
            `{name: tensor}`, empty if the output of the head is already the answer. `"label"` and `"top_label"` are
            integers from 0 to `num_labels` - 1, which an export can replace by names.
        """
        return {}

    def _output(self):
        """Returns the width and the activation of the output layer."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {"hidden": list(self.hidden), "activation": self.activation}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Head":
        return cls(**config)
