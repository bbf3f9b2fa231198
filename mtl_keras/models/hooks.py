"""Terms and probes that callbacks add to the training step for one `fit`."""

import functools
from collections.abc import Callable

import keras

from mtl_keras._types import Tensor
from mtl_keras.engine import MatrixProbe, affinities, cosines
from mtl_keras.models.penalty import Penalty


class Hooks:
    """The penalties and probes of a multi-task model.

    A mix-in, before `keras.Model`. It needs from the model:
        distribute_strategy: As in Keras.
        _hooks: Namespace of `penalties`, `{name: Penalty}`, and of `probes` and `endings`, lists.
    """

    @property
    def penalties(self) -> dict[str, Penalty]:
        """`{name: Penalty}`: terms that callbacks add to the objective, for one `fit`."""
        return self._hooks.penalties

    @property
    def probes(self) -> list[Callable]:
        """List of functions of callbacks that are called with each training batch, for one `fit`."""
        return self._hooks.probes

    def add_penalty(self, name: str, value: Callable[[], Tensor]) -> None:
        """Adds a scalar to the objective, for one `fit`; for callbacks, in their `set_model`.

        Args:
            name: Name of its running mean in the logs.
            value: Function without arguments that returns the scalar, called in the graph of the training step.
        """
        with self.distribute_strategy.scope():
            self.penalties[name] = Penalty(name, value)
        self.train_function = None  # to trace it again with the penalty

    def add_cosine_probe(
        self, every: int, in_step: bool = True, variables: list[keras.Variable] | None = None
    ) -> MatrixProbe:
        """Returns a `MatrixProbe` of the cosines of the tasks' gradients; for callbacks, in their `set_model`.

        Args:
            every: The probe records every n steps.
            in_step: Whether it records the training batches, for one `fit`.
            variables: The shared variables to use; None for all.
        """
        return self._add_probe(every, in_step, functools.partial(cosines, variables=variables))

    def add_affinity_probe(self, every: int, in_step: bool = True, rate: float | None = None) -> MatrixProbe:
        """Returns a `MatrixProbe` of the affinities of the tasks; for callbacks, in their `set_model`.

        Args:
            every, in_step: As in `add_cosine_probe`.
            rate: Learning rate of the trial steps; None for that of the optimizer.
        """
        return self._add_probe(every, in_step, functools.partial(affinities, rate=rate))

    def _add_probe(self, every, in_step, compute):
        probe = MatrixProbe(self, every, compute)
        if in_step:
            self.probes.append(probe)
            self.train_function = None  # to trace it again with the probe
        return probe

    def add_ending(self, ending: Callable[[], None]) -> None:
        """Adds a function to call at the end of a `fit`, also after an error; for callbacks, in their `set_model`."""
        self._hooks.endings.append(ending)

    def _take_hooks_off(self):
        """Removes the penalties and probes of a `fit`, and calls the functions that were added for its end."""
        while self._hooks.endings:
            self._hooks.endings.pop()()
        if self.penalties or self.probes:
            self.penalties.clear()
            self.probes.clear()
            self.train_function = None  # to trace it again without them
