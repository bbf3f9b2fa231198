"""Training and evaluation of a multi-task model: checks and hooks around Keras' own loops."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import keras

from mtl_keras.data._as_tensors import as_tensors
from mtl_keras.data._entering import check_data, explained, warn_of_one_class
from mtl_keras.data._epochs import EpochDataset, Facts
from mtl_keras.models import check
from mtl_keras.models.epoch_clock import EpochClock


class Running:
    """The `fit`, `evaluate` and `predict` of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        task_names, objectives, partition, plan, training_logs, follow_trainable: As in `MultiTaskModel`.
        _compilation: Namespace with `metrics_names`, of the last evaluation, which `compile` empties.
        build_optimizer(): Builds the optimizer on all variables.
        _take_hooks_off(): Removes what callbacks added for a `fit`.
    """

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | None = None,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Trains the model, as `keras.Model.fit` does.

        Data are `(x, {task: y})` or `(x, {task: y}, {task: sample_weight})`, ideally from `mtl_keras.data`. A dataset
        of `mtl_keras.data` has a different order in each epoch, which depends only on the number of the epoch. A `fit`
        that starts at epoch 0 continues counting where the last `fit` of this model stopped; `initial_epoch` sets the
        first epoch. With `steps_per_epoch`, the next epoch starts where the last one stopped in the data.

        Args:
            shuffle: As in Keras, for arrays and `keras.utils.PyDataset`s, where it is True by default.
            class_weight: Must be None: class weights belong to the tasks, `Task(class_weight=...)`.
            x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, sample_weight,
                initial_epoch, steps_per_epoch, validation_steps, validation_batch_size,
                validation_freq: As in Keras.
        """
        if class_weight is not None:
            raise ValueError(
                f"`class_weight` must be None, as the tasks have different classes. Received: {class_weight!r}. "
                "Give each task its own, `mtl_keras.Task(..., class_weight={1: 3.0})`."
            )
        self._check_data(x, y, sample_weight)
        if isinstance(validation_data, (tuple, list)):
            self._check_data(*keras.utils.unpack_x_y_sample_weight(validation_data))
        elif validation_data is not None:
            self._check_data(validation_data)
        for task, label in (y if isinstance(y, dict) else {}).items():
            weight = sample_weight[task] if isinstance(sample_weight, dict) else sample_weight
            warn_of_one_class(task, label, weight)
        self.follow_trainable()
        if shuffle is None:
            shuffle = y is not None or isinstance(x, keras.utils.PyDataset)  # Keras warns if it is True for a stream
        if self.plan and verbose:
            print(self.plan.describe(self.partition))
        place, facts, starts_within = None, Facts(), False
        if isinstance(x, EpochDataset):
            facts, starts_within = x.facts, x.starts_within(steps_per_epoch)
            x, place = x.placed(steps_per_epoch)
        if facts.is_alternating and self.plan and self.plan.weighting.reads_gradients:
            warnings.warn(
                f"`weighting` {type(self.plan.weighting).__name__} reads the gradients of all tasks in a batch, but "
                "each batch of these data has the tasks of one source only, so nothing is left to weigh. Use "
                '`mtl_keras.data.mix(..., unit="row")`, or a weighting that reads losses.',
                stacklevel=2,
            )
        is_list = isinstance(callbacks, keras.callbacks.CallbackList)
        given = callbacks.callbacks if is_list else keras.tree.flatten(callbacks or [])
        clock = EpochClock(
            place, facts, starts_within, given
        )  # first, so that other callbacks save a complete state at the end of an epoch
        if is_list:
            clock.set_model(self)
            callbacks.callbacks.insert(0, clock)
        else:
            callbacks = [clock, *given]
        resumed = clock.resume(self)
        initial_epoch = initial_epoch if resumed is None else resumed
        try:
            with (
                explained(x, self.inputs, self.task_names) as batches,
                explained(validation_data, self.inputs, self.task_names) as validation,
            ):
                return super().fit(
                    x=batches,
                    y=y,
                    batch_size=batch_size,
                    epochs=epochs,
                    verbose=verbose,
                    callbacks=callbacks,
                    validation_split=validation_split,
                    validation_data=validation,
                    shuffle=shuffle,
                    sample_weight=sample_weight,
                    initial_epoch=initial_epoch,
                    steps_per_epoch=steps_per_epoch,
                    validation_steps=validation_steps,
                    validation_batch_size=validation_batch_size,
                    validation_freq=validation_freq,
                )
        finally:
            if is_list:
                callbacks.callbacks.remove(clock)
            self._take_hooks_off()

    def make_train_function(self, force: bool = False) -> None:
        """Prepares the training step, as in Keras, but builds the optimizer first.

        Otherwise TensorFlow traces a step without a weighting twice, because the first trace makes new variables.
        """
        if not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.build_optimizer()
        super().make_train_function(force)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Evaluates the model, as `keras.Model.evaluate` does.

        Args:
            x, y, batch_size, verbose, sample_weight, steps, callbacks: As in Keras.
            return_dict: Whether to return `{name: number}`; if not, a list, whose names are `metrics_names`.
        """
        self._check_data(x, y, sample_weight)
        with self.testing(), explained(x, self.inputs, self.task_names) as batches:
            results = super().evaluate(
                batches, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict=True, **kwargs
            )
        check.check_ranges(self.objectives)
        self._compilation.metrics_names = _in_order(results)
        if return_dict:
            return results
        values = [results[name] for name in self._compilation.metrics_names]
        return values if len(values) > 1 else values[0]

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Predicts `{task: array}`, as `keras.Model.predict` does.

        Args:
            x: As in Keras; or a data frame whose columns are the inputs, or the features of the only input; or arrays
                and columns of strings.
            batch_size, verbose, steps, callbacks: As in Keras.
        """
        x = as_tensors(x, self.inputs)
        self._check_data(x)
        return super().predict(x, batch_size, verbose, steps, callbacks)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Trains on one batch, as `keras.Model.train_on_batch` does."""
        self.follow_trainable()
        results = super().train_on_batch(*args, **kwargs)
        check.check_ranges(self.objectives)
        return results

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates the model on one batch, as `keras.Model.test_on_batch` does."""
        with self.testing():
            results = super().test_on_batch(*args, **kwargs)
        check.check_ranges(self.objectives)
        return results

    @contextlib.contextmanager
    def testing(self) -> Iterator[None]:
        """Within this context, the logs are those of a test, without those that exist only in training."""
        before, self._testing = self._testing, True
        try:
            yield
        finally:
            self._testing = before

    def get_metrics_result(self) -> dict[str, Any]:
        logs = super().get_metrics_result()
        return {name: v for name, v in logs.items() if not self._testing or name not in self.training_logs}

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` returns as a list, in order: the loss, then the others by name."""
        return self._compilation.metrics_names or _in_order(set(self.get_metrics_result()) - self.training_logs)

    def _check_data(self, x, y=None, sample_weight=None):
        """Raises a ValueError for wrong names, and for data on which Keras would fail without a name."""
        for argument, given in (("y", y), ("sample_weight", sample_weight)):
            if given is not None:
                check.by_task(argument, given, self.task_names)
        check_data(x, y, sample_weight, self.inputs, self.task_names)


def _in_order(names):
    """Returns the names of results with the loss first."""
    return sorted(names, key=lambda name: (name != "loss", name))
