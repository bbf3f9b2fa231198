"""What a head is: the layers of one task above its features."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import counts
from mtl_keras._types import Shape, Tensor


class Head:
    """Turns a task's features into its output, in the task's natural unit.

    Abstract. A head is called once, while the model is built, and leaves plain Keras layers named after the
    task. Features of rank over 2 (maps, sequences) are averaged over their positions first. The output layer
    is an activation in float32, which the loss gets untouched: Keras then finds the logits behind it.

    Args:
        hidden: Widths of the dense layers of the head's own, between the features and the output.
        activation: Activation of those layers.
    """

    num_classes = None  # of a head whose classes can have weights: how many there are
    is_binary = False  # whether the output is one probability, of yes
    keeps_positions = False  # whether there is an answer for every position of a sequence or a map
    num_labels = None  # of a head whose outputs can be called by names: how many there are
    label_range = None  # the lowest and the highest label that its default loss takes, where there are such
    output_kind = None  # what the output is, where outputs of several models can be pooled: a kind of `PoolPredictions`

    def __init__(self, hidden: tuple[int, ...] = (), activation: str = "relu"):
        self.hidden = counts("hidden", hidden, empty=True)
        self.activation = activation

    def __call__(self, features: Tensor, name: str) -> Tensor:
        """Applies the head.

        Args:
            features: Keras tensor, [batch, ..., channels].
            name: Name of the task: the name of the last layer, and the start of the others'.

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
        """Returns what the output layer reads: the pooled features after the head's own dense layers."""
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
        """Returns what a later task reads of this one's prediction, in a cascade: its output, by other layers."""
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
        """Returns the shape that the labels must have, with None for what does not matter; None for no such demand.

        Args:
            output_shape: Shape of the output.
        """
        return None

    def predictions(self, output: Tensor) -> Tensor:
        """Returns what `predict`, the metrics and exports get of an output; the loss gets the output itself.

        Args:
            output: Tensor or Keras tensor, what the head's last layer gave.
        """
        return output

    def pooled(self) -> "Head":
        """Returns the head whose output the mean of several models' outputs is."""
        return self

    def of_predictions(self) -> "Head":
        """Returns the same head without layers and sizes of its own, for features that are predictions."""
        return type(self).from_config({**self.get_config(), "hidden": []})

    def decode(self, output: Tensor, top_k: int | None = None) -> dict[str, Tensor]:
        """Returns what an output decides, for those who ask an exported model for an answer rather than for numbers.

        Args:
            output: Tensor, what `predictions` returned, [B, units].
            top_k: How many labels to return in the order of their scores, where the head has several; all by default.

        Returns:
            `{what it is: tensor}`, empty for a head whose output is its answer. Under `"label"` and `"top_label"`
            are integers from 0 to `num_labels` - 1, for which an export can put names.
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
