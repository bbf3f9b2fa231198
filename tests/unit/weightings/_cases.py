"""The tables of weightings that read the losses or the rows: one line each, which runs the whole contract."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mtl_keras import weightings as w

NAMES = ("a", "b", "c", "d")
NUM_PARAMETERS = 6


@dataclasses.dataclass(frozen=True)
class Case:
    """How to make a member, and what it promises."""

    make: Callable
    equivariant: bool = True  # permuted tasks have permuted effective weights
    unit: bool = True  # a single task has its plain gradient
    negative: bool = False  # negative losses are permitted
    random: bool = False  # draws numbers: other ones under XLA and for another number of tasks


def _schedule():
    decay = keras.optimizers.schedules.InverseTimeDecay
    return w.Schedule({"a": decay(1.0, 1, 0.5)})


LOSSES = {
    "dtp": Case(w.DTP, unit=False),
    "dwa": Case(w.DWA),
    "dwa_window": Case(lambda: w.DWA(temperature=0.5, window=1)),
    "equal": Case(w.Equal, negative=True),
    "famo": Case(w.FAMO),
    "gls": Case(w.GLS),
    "imtl_l": Case(w.IMTLL),
    "rlw": Case(lambda: w.RLW(seed=1), equivariant=False, negative=True, random=True),
    "rlw_dirichlet": Case(
        lambda: w.RLW(distribution="dirichlet", seed=1), equivariant=False, negative=True, random=True
    ),
    "scale_invariant": Case(w.ScaleInvariant, unit=False),
    "schedule": Case(_schedule, equivariant=False, negative=True),
    "stch": Case(w.STCH, negative=True),
    "tchebycheff": Case(w.Tchebycheff, negative=True),
    "uncertainty": Case(w.Uncertainty, unit=False),
}

ROWS = {
    "db_mtl": Case(w.DBMTL, unit=False),
    "excess_mtl": Case(w.ExcessMTL),
    "graddrop": Case(lambda: w.GradDrop(seed=1), random=True),
    "graddrop_leak": Case(lambda: w.GradDrop(leak=0.3, seed=1), random=True),
    "moco": Case(w.MoCo, unit=False),
    "trimmed_mean": Case(w.TrimmedMean),
}

CASES = LOSSES | ROWS


def ordinary_batches(first=None, steps=60):
    """Returns losses [3] and rows [3, P] of batches that are alike.

    Before them comes one whose second loss is `first` times as large, and its gradient √first times as long, if given.
    """
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(3, NUM_PARAMETERS))
    batches = [
        (
            np.array([0.5, 2.0, 1.0]) * 0.99**step * np.exp(0.1 * rng.normal(size=3)),
            rows + 0.3 * rng.normal(size=(3, 6)),
        )
        for step in range(steps + 1)
    ]
    if first is None:
        return batches[1:]
    factors = np.array([1.0, first, 1.0])
    return [(batches[0][0] * factors, batches[0][1] * factors[:, None] ** 0.5), *batches[1:]]


class Runner:
    """A built member, stepped eagerly, in a graph or under XLA, as the engine does it."""

    def __init__(self, name, num_tasks=3, mode="graph"):
        self.reads_rows = name in ROWS
        self.weighting = CASES[name].make()
        self.weighting.task_names = NAMES[:num_tasks]
        if self.reads_rows:
            self.weighting.num_parameters = NUM_PARAMETERS
        self.weighting.build(num_tasks)
        step = self._rows_step if self.reads_rows else self._loss_step
        self.step = step if mode == "eager" else tf.function(step, jit_compile=mode == "xla")
        self.start = [v.numpy() for v in self.variables]

    @property
    def variables(self):
        weighting = self.weighting
        seeds = [] if weighting.seed_generator is None else [weighting.seed_generator.state]
        return weighting.variables + [s for s in seeds if all(s is not v for v in weighting.variables)]

    def reset(self):
        for variable, value in zip(self.variables, self.start, strict=True):
            variable.assign(value)
        return self

    def _loss_step(self, losses, present):
        with tf.GradientTape() as tape:
            tape.watch(losses)
            objective = self.weighting(losses, present)
        trained = [v.value for v in self.weighting.trainable_variables]
        weights, *gradients = tape.gradient(objective, [losses, *trained])
        for variable, gradient in zip(self.weighting.trainable_variables, gradients, strict=True):
            variable.assign_sub(0.1 * tf.clip_by_value(gradient, -1.0, 1.0))
        if self.weighting.reads_losses_after_step:
            self.weighting.after_step(losses, 0.5 * losses + 0.25 * losses**2 / (1.0 + losses), present)
        return tf.concat([objective[None], weights], 0)

    def _rows_step(self, rows, losses, present):
        return self.weighting(rows, losses, present)

    def __call__(self, losses, present=None, rows=None):
        """Returns the objective and the effective weights, or the direction."""
        present = np.ones(len(losses)) if present is None else present
        inputs = [rows] * self.reads_rows + [losses, present]
        return np.array(self.step(*[tf.constant(x, "float32") for x in inputs]))
