"""Six steps equal four steps, a save, a load and two steps, bit for bit, under every weighting.

Weightings without variables have nothing to save: three of them, one for each thing that a weighting reads, stand for
the others, which the environment variable `WHOLE_MATRIX=1` adds. Of those with a state, one of each kind is fast;
that the state of each comes back is in the contracts of the weightings.
"""

import os

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import _registry
from tests.helpers import toy

ROWS = 12
IN_GRAPHS = ["cagrad", "graddrop", "modo", "uncertainty"]  # one for each thing that a weighting reads
SAMPLE = ["cagrad", "equal", "trimmed_mean"]
FAST = ["uncertainty", "famo"]  # trained variables, and losses of the step before
STATELESS = [
    *("aligned_mtl", "con_fig", "dualproj", "fairgrad", "gls", "imtl_g", "krum", "mgda", "nash_mtl"),
    *("scale_invariant", "stch", "tchebycheff", "upgrad"),
]
NAMES = [n for n in _registry.names("weightings") if n not in STATELESS or os.environ.get("WHOLE_MATRIX")]


def _half_rate(epoch):
    return 0.5**epoch


keras.saving.register_keras_serializable("tests")(_half_rate)


class _SaveHalfway(keras.callbacks.Callback):
    """Saves the model after the second of three epochs."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.save(self.path)


def _weighting(name):
    if name == "schedule":
        return mtl.weightings.Schedule({"digit": _half_rate})
    return _registry.get("weightings", name)


def _model(name):
    keras.utils.set_random_seed(3)
    model = mtl.build_model(toy.SHAPE, toy.tasks()[:3], tower=mtl.towers.MLP((4,), dropout=0.3))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)  # which has slots to save
    model.compile(optimizer, metrics=[], weighting=_weighting(name), steps_per_execution=2)
    return model


def _fit(model, initial_epoch, callbacks=()):
    x, y = toy.arrays(rows=ROWS)
    del y["ink"]  # three tasks are enough
    weights = {task: np.ones(ROWS, "float32") for task in y}
    weights["odd"][: ROWS // 2] = 0.0  # absent from the first batch
    data = mtl.data.from_arrays(x, y, batch_size=ROWS // 2, sample_weight=weights)
    model.fit(data, initial_epoch=initial_epoch, epochs=3, verbose=0, callbacks=list(callbacks))


@pytest.mark.parametrize("name", [*SAMPLE, *STATELESS])
def test_has_nothing_to_save(name):
    weighting = _weighting(name)
    weighting.build(4)
    assert not weighting.variables


def _marks(name):
    return [pytest.mark.graph] * (name in IN_GRAPHS) + [pytest.mark.slow] * (name not in FAST)


@pytest.mark.parametrize("name", [pytest.param(name, marks=_marks(name)) for name in NAMES])
def test_training_goes_on_to_the_bit(name, tmp_path):
    whole = _model(name)
    _fit(whole, 0, [_SaveHalfway(tmp_path / "2.keras")])
    resumed = keras.models.load_model(tmp_path / "2.keras")
    _fit(resumed, 2)
    for one, other in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    for one, other in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
