"""What Keras 3 lacks to run under `tf.distribute.MultiWorkerMirroredStrategy`."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from mtl_keras.engine.graph import with_inner
from mtl_keras.engine.tensorflow.workers import Workers


class SeveralWorkers:
    """The building and the logs of a model under a `tf.distribute` strategy.

    A mix-in, before `keras.Model`. Keras averages the first batches of all replicas to find their shapes, and averages
    the logs along an axis that they do not have. Both fail with several workers. Keras also starts the data once more
    before each `evaluate`, also before that of an epoch; here only a model with unbuilt layers does that. And with
    several workers it sends each number of the logs on its own; here they are sent together.
    """

    @property
    def workers(self) -> Workers:
        """The processes that train the model."""
        return Workers(self.distribute_strategy)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if self._distribute_strategy is None:
            return
        strategy = self.distribute_strategy
        if iterator is not None and not all(layer.built for layer in with_inner([self])):
            for _, _, batches in iterator:
                data_batch = keras.tree.map_structure(
                    lambda part: strategy.experimental_local_results(part)[0], next(batches)
                )
                break
        with strategy.scope():
            self._symbolic_build(data_batch=data_batch)

    def _make_function(self, step_function: Callable) -> Callable:
        if not isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return super()._make_function(step_function)
        function = super()._make_function(lambda batch: _packed(step_function(batch)))
        return lambda iterator: _unpacked(function(iterator))


def _packed(logs):
    """Returns the logs of a step as one tensor [1, n], whose key has their names. Keras averages it over the 1."""
    return {"\n".join(logs): tf.stack([tf.cast(value, tf.float32) for value in logs.values()])[None]}


def _unpacked(logs):
    """Returns what `_packed` was given."""
    ((names, values),) = logs.items()
    values = tf.reshape(values, [-1])  # of a single worker, Keras keeps the axis
    return dict(zip(names.split("\n"), tf.unstack(values), strict=True))
