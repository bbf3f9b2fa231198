"""What Keras 3 lacks to run under `tf.distribute.MultiWorkerMirroredStrategy`."""

from typing import Any

import keras
import tensorflow as tf

from mtl_keras.engine.tensorflow.workers import Workers


class SeveralWorkers:
    """The building and the logs of a model under a `tf.distribute` strategy.

    A mix-in, before `keras.Model`. Keras averages the first batches of all replicas to find their shapes, and averages
    the logs along an axis that they do not have. Both fail with several workers. Keras also starts the data once more
    before each `evaluate`, also before that of an epoch; here only a model with unbuilt layers does that.
    """

    @property
    def workers(self) -> Workers:
        """The processes that train the model."""
        return Workers(self.distribute_strategy)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if self._distribute_strategy is None:
            return
        strategy = self.distribute_strategy
        if iterator is not None and not all(layer.built for layer in self._flatten_layers()):
            for _, _, batches in iterator:
                data_batch = keras.tree.map_structure(
                    lambda part: strategy.experimental_local_results(part)[0], next(batches)
                )
                break
        with strategy.scope():
            self._symbolic_build(data_batch=data_batch)


def as_logs(results: dict[str, Any]) -> dict[str, Any]:
    """Returns the logs of a step. With several workers, they have the axis along which Keras averages them."""
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return results
    return {name: tf.reshape(value, [1]) for name, value in results.items()}
