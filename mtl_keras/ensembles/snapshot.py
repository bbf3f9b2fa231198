"""Several models from one training."""

import math
from typing import Any

import keras

from mtl_keras._arguments import count
from mtl_keras.data._rows import batches_of
from mtl_keras.ensembles._assemble import pooled
from mtl_keras.ensembles._copies import copy_of
from mtl_keras.ensembles._members import check_member
from mtl_keras.models import MultiTaskModel


def snapshot(
    model: MultiTaskModel,
    data: Any,
    *,
    cycles: int = 5,
    epochs: int = 10,
    keep: int | None = None,
    batch_size: int = 32,
) -> MultiTaskModel:
    """Trains a model in cycles of the learning rate, and returns the average of the models at the ends of the cycles.

    In each cycle the learning rate falls from that of the optimizer to 0 along a cosine, α(t) = α₀ / 2 · (1 + cos(π·t /
    T)) at step t of T. The next cycle starts again at α₀, which moves the model away from the minimum that it found.
    All members together cost one training.

    Cost: cycles times epochs; a prediction costs as much as `keep` models.

    Args:
        model: A compiled `MultiTaskModel`. It is trained, and ends as the last member.
        data: `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})` as arrays or frames, which are shuffled; or a
            `tf.data.Dataset` with a known number of batches.
        cycles: Number of cycles.
        epochs: Number of epochs per cycle.
        keep: Number of members, from the last cycles; all by default.
        batch_size: Number of rows in a batch, for arrays.

    Returns:
        A `MultiTaskModel`, as from `average`.

    Raises:
        ValueError: If the model is not compiled, its optimizer has a schedule, or a number is out of range.

    Example:

    ```python
    model = mtl.build_model((4,), [mtl.Task("digit", mtl.heads.Multiclass(3))])
    model.compile(keras.optimizers.SGD(0.1))
    data = np.eye(4)[np.arange(12) % 4], {"digit": np.arange(12) % 3}
    ensemble = mtl.ensembles.snapshot(model, data, cycles=2, epochs=1)
    ensemble.evaluate(*data, verbose=0, return_dict=True)["digit_accuracy"]
    ```

    Reference: G. Huang, Y. Li, G. Pleiss, Z. Liu, J. Hopcroft, K. Weinberger, "Snapshot Ensembles: Train 1, Get M for
    Free", 2017.
    """
    check_member(model, "model")
    if not model.compiled:
        raise ValueError("`model` must be compiled. Received: a model that is not. Call `model.compile`.")
    cycles, epochs = count("cycles", cycles), count("epochs", epochs)
    keep = cycles if keep is None else count("keep", keep, at_most=cycles)
    rate = model.optimizer.get_config().get("learning_rate")
    if not isinstance(rate, int | float):
        raise ValueError(
            f"`model` must have an optimizer with a number as its learning rate. Received: {rate!r}. The cycles "
            "replace a schedule."
        )
    batches = batches_of("data", data, count("batch_size", batch_size), shuffle=True)
    steps = int(batches.cardinality())
    if steps <= 0:
        raise ValueError(f"`data` must have a known number of batches. Received: cardinality {steps}.")
    members = []
    for cycle in range(cycles):
        model.fit(batches, epochs=epochs, verbose=0, callbacks=[_Cosine(float(rate), epochs * steps)])
        if cycle >= cycles - keep:
            members.append(copy_of(model))
    model.optimizer.learning_rate = rate
    return pooled(members, "mean", {})


class _Cosine(keras.callbacks.Callback):
    """Decreases the learning rate to 0 along a cosine.

    Args:
        rate: Initial learning rate.
        steps: Number of steps.
    """

    def __init__(self, rate, steps):
        super().__init__()
        self.rate, self.steps, self.done = rate, steps, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.rate / 2 * (1 + math.cos(math.pi * self.done / self.steps))
        self.done += self.model.steps_per_execution
