"""Base classes of weightings, by what the method reads."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count
from mtl_keras._types import Tensor

_SEEDS = 2**63  # a generator stores its seed as an int64


class Weighting(keras.layers.Layer):
    """Decides how the losses of T tasks become one update of the shared variables.

    Abstract. A weighting is a Keras layer in float32, so that its state (averages, duals, log-variances)
    is tracked, trained if it is trainable, and saved with the compiled model. The base class of a method says
    what it reads, which determines the cost of a training step. A method that takes logarithms of the losses or
    divides by them sets `lowest_losses`: a lower loss raises an error at the step. (XLA has no errors: there the
    step is skipped.)

    Absent tasks: a task without any label in the batch, or with loss weight 0, has `present` 0, loss 0, and zero
    rows and columns in everything else that is read. A method returns weight 0 for absent tasks and does not
    change their state. The other tasks get what they would get if the absent ones did not exist.

    Args:
        seed: Seed of a method that draws random numbers; such a method lists it in its own arguments.
        name: Name of the layer; by default that of the file, or Keras' own choice for a class outside the package.
    """

    reads = None  # "losses", "gramian", "rows" or "halves"
    reads_gradients = True  # of the shared variables; False: it reads the losses only
    reads_losses_after_step = False  # of the same batch; needs a second forward pass
    has_weights = True  # whether it returns one weight per task
    apply_to = "shared"  # the default of `compile(apply_to=...)`: "all" where the paper weighs the losses as a whole
    weighs_own = True  # whether it has factors for the gradients of the tasks' own variables, for `apply_to="all"`
    residual_bound = None  # largest residual of an iterative solver whose result is used
    # Lower bound of the losses, a number or one per task; None if losses may be any real numbers.
    lowest_losses: float | tuple[float, ...] | None = None
    needs: tuple[int, ...] = ()  # positions of tasks that must be present for an update, set in `build`

    def __init__(self, *, seed: int | None = None, name: str | None = None) -> None:
        family, file = type(self).__module__.rpartition(".")[::2]
        super().__init__(name=name or (file if family == "mtl_keras.weightings" else None), dtype="float32")
        self.num_tasks = None
        self.task_names = None  # names of the tasks, set by the model before `build`
        self.every = 1  # the model calls it every n steps; set before `build`
        self.seed = None if seed is None else count("seed", seed, at_least=-_SEEDS, at_most=_SEEDS - 1)
        self.seed_generator = None  # a method that draws random numbers creates it in `build`

    def build(self, num_tasks: int) -> None:
        """Creates the state for `num_tasks` tasks. Called once, by `compile`."""
        self.num_tasks = num_tasks
        if self.every > 1:  # for the steps in between
            self.step = self.add_state("step", ())
            self.last_weights = self.add_state("last_weights", (num_tasks,), "ones")
        if self.residual_bound is not None:
            self.solver_residual = keras.metrics.Mean(name="solver_residual")
            self.solver_fallbacks = keras.metrics.Sum(name="solver_fallbacks")

    def passes(self, num_tasks: int) -> int:
        """Returns how many backward passes through the shared variables a step needs."""
        return num_tasks if self.reads_gradients else 1

    def add_state(
        self, name: str, shape: tuple[int, ...], initializer: str | keras.initializers.Initializer = "zeros"
    ) -> keras.Variable:
        """Returns a new variable that no optimizer trains; every replica writes the same value to it."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=False,
            aggregation="only_first_replica",
        )

    def own_weights(self, weights: Tensor, losses: Tensor) -> Tensor:
        """Returns the factors [T] of the gradients of the tasks' own variables under `apply_to="all"`.

        Called after `call`, and with `every` in each step between two calls.

        Args:
            weights: What `call` returned, if `has_weights`. [T]
            losses: The losses of the batch. [T]
        """
        return weights

    def task_index(self, task: str) -> int:
        """Returns the position of the task with the name `task`."""
        if task not in (self.task_names or ()):
            known = ", ".join(self.task_names or ()) or "none (`task_names` is not set)"
            raise ValueError(f"{type(self).__name__} names an unknown task {task!r}. The model's tasks: {known}.")
        return self.task_names.index(task)

    def certified(self, weights: Tensor, residual: Tensor, fallback: Tensor) -> Tensor:
        """Returns a solver's `weights`, or `fallback` if its `residual` is above the bound; logs both.

        Args:
            weights: The solver's answer. [T]
            residual: How far the answer is from the optimality conditions, free of scale. Scalar.
            fallback: The declared answer for a solver that did not converge. [T]
        """
        failed = ops.logical_not(residual <= self.residual_bound)  # true for NaN as well
        known = ops.isfinite(residual)  # a residual that is not finite means a fallback, and would spoil the mean
        self.solver_residual.update_state(ops.where(known, residual, 0.0), sample_weight=ops.cast(known, "float32"))
        self.solver_fallbacks.update_state(ops.cast(failed, "float32"))
        return ops.where(failed, fallback, weights)

    def weights_of_epoch(self) -> Tensor | None:
        """Returns the weights that are known before a step and included in the logged `loss`, [T]; None for all 1."""
        return None

    def on_epoch_begin(self, epoch: int) -> None:
        """Called by `fit` before the first batch of an epoch, outside the graph."""

    def on_epoch_end(self, epoch: int) -> None:
        """Called by `fit` after the last batch of an epoch, outside the graph."""

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self.seed_generator is not None:  # Keras does not save the state of a layer's generator
            store["seed_generator"] = self.seed_generator.state

    def load_own_variables(self, store: Any) -> None:
        store = {key: store[key] for key in list(store.keys())}  # the store of a file is not a dict
        if self.seed_generator is not None:
            self.seed_generator.state.assign(store.pop("seed_generator"))
        super().load_own_variables(store)

    def get_build_config(self) -> None:
        return None  # `compile` builds a weighting, which knows the tasks; loading does not

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


class LossScalarizer(Weighting):
    """A method that reads the losses: `call(losses, present) -> objective`.

    `losses` [T] and `present` [T] (0 or 1) are float32. The objective is a differentiable scalar; all variables
    take its gradient. One backward pass.

    With `reads_losses_after_step = True` the model also calls `after_step`, with the losses of the same batch
    before and after the optimizer's step. This costs a second forward pass.
    """

    reads = "losses"
    reads_gradients = False
    apply_to = "all"

    def call(self, losses: Tensor, present: Tensor) -> Tensor:
        raise NotImplementedError

    def after_step(self, losses_before: Tensor, losses_after: Tensor, present: Tensor) -> None:
        """Called after the optimizer's step if `reads_losses_after_step`. All arguments are [T]."""


class GramianWeighting(Weighting):
    """A method that reads G = J·Jᵀ: `call(gramian, losses, present) -> weights`.

    `gramian` [T, T], `losses` [T] and `present` [T] are float32. The weights [T] multiply the rows of J.
    T backward passes.
    """

    reads = "gramian"

    def call(self, gramian: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        raise NotImplementedError


class GradientAggregator(Weighting):
    """A method that reads the rows of J: `call(rows, losses, present) -> direction`.

    `rows` [T, P], `losses` [T] and `present` [T] are float32. The optimizer gets the direction [P] as the
    gradient of the shared variables. T backward passes and T·P floats. The model sets `num_parameters` (P)
    before `build`, for a method with state of the shape of the rows.

    Set `by_column = True` if each entry of the direction depends on its own column only. The method is then
    called on some of the columns at a time, and needs no second copy of the rows.
    """

    reads = "rows"
    has_weights = False
    weighs_own = False
    by_column = False

    def __init__(self, *, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(seed=seed, name=name)
        self.num_parameters = None

    def call(self, rows: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        raise NotImplementedError


class HalvesWeighting(Weighting):
    """A method that reads G' = J₁·J₂ᵀ of two halves of the batch: `call(cross, losses, present) -> weights`.

    `cross` [T, T] (row i: task i on the first half, column j: task j on the second), `losses` [T] and
    `present` [T] are float32. The weights [T] multiply the rows of J of the whole batch. 2T backward passes.
    """

    reads = "halves"

    def passes(self, num_tasks: int) -> int:
        return 2 * num_tasks

    def call(self, cross: Tensor, losses: Tensor, present: Tensor) -> Tensor:
        raise NotImplementedError


def keep_absent(new, old, present):
    """Returns `new` where a task is present and `old` where it is absent; the state's first axis is T."""
    shape = (-1,) + (1,) * (len(new.shape) - 1)
    return ops.where(ops.reshape(present, shape) > 0, new, old)
