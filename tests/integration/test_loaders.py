"""Exports of every tower and every sharing scheme, in the loaders that are not Python's.

By default each tower comes with one of the schemes and each scheme with one of the towers; with the environment
variable `WHOLE_MATRIX=1` each tower comes with every scheme that it goes with.
"""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import _registry
from mtl_keras.towers import as_tower
from tests.helpers import c_loader, sessions
from tests.unit.towers._build import has_dtype
from tests.unit.towers.test_contract import CASES, batch

pytestmark = pytest.mark.graph

ROWS = (1, 7)
EVEN = ["Conv", "ResNet", "ResNetImageNet"]  # cases whose numbers of channels are even


def _goes(tower, scheme):
    """Returns whether a scheme goes with the case of a tower: see the reference of `mtl.sharing`."""
    make, _, _ = CASES[tower]
    stages = [stage for stage in as_tower(make()).stages().values() if not getattr(stage, "front", False)]
    return (scheme != "ple" or len(stages) > 1) and (scheme != "sluice" or tower in EVEN)


def _pairs():
    every = [(tower, scheme) for scheme in _registry.names("sharing") for tower in CASES if _goes(tower, scheme)]
    if os.environ.get("WHOLE_MATRIX"):
        return every
    chosen = {}  # scheme: tower
    for scheme in dict.fromkeys(scheme for _, scheme in every):
        towers = [tower for tower, other in every if other == scheme]
        chosen[scheme] = next((tower for tower in towers if tower not in chosen.values()), towers[0])
    rest = [(tower, "hard") for tower in CASES if tower not in chosen.values()]
    return [*((tower, scheme) for scheme, tower in chosen.items()), *rest]


def _input(part, name=None):
    shape, dtype = part if has_dtype(part) else (part, "float32")
    return keras.Input(shape, dtype=dtype, name=name)


def _model(tower, scheme):
    make, shape, _ = CASES[tower]
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task("cat", mtl.heads.Binary()), mtl.Task("dog", mtl.heads.Binary())]
    inputs = {name: _input(part, name) for name, part in shape.items()} if isinstance(shape, dict) else _input(shape)
    return mtl.build_model(inputs, tasks, make(), scheme)


def _rows(model, tower, rows):
    """Returns `{name of an input: array}` with a number of rows."""
    _, shape, _ = CASES[tower]
    x = batch(shape)
    named = x if isinstance(x, dict) else {model.inputs[0].name: x}
    arrays = {name: np.resize(np.asarray(part), (rows, *part.shape[1:])) for name, part in named.items()}
    return {name: array.astype("S") if array.dtype.kind in "OU" else array for name, array in arrays.items()}


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])  # one process of the library for many exports
def test_both_loaders(half, tmp_path):
    library, requests, expected = c_loader.library(), {}, {}
    for tower, scheme in _pairs()[half::2]:
        model = _model(tower, scheme)
        folder = mtl.export.saved_model(model, tmp_path / f"{tower}_{scheme}", signatures=())
        inputs = {str(rows): _rows(model, tower, rows) for rows in ROWS}
        expected[folder] = {rows: _predicted(model, x) for rows, x in inputs.items()}
        with sessions.load(folder) as session:
            for rows, x in inputs.items():
                _check(session.run("serving_default", x), expected[folder][rows], folder)
        requests[folder] = (dict.fromkeys(inputs, session.tensors["serving_default"]), inputs)
    if library is None:
        pytest.skip("this TensorFlow has no libtensorflow_cc.so.2; its sessions agree")
    answers = c_loader.run(library, requests)
    for folder, outputs in expected.items():
        for rows, output in outputs.items():
            _check(answers[folder][rows], output, folder)


def _predicted(model, x):
    tensors = {name: tf.constant(array) for name, array in x.items()}
    return model(tensors if isinstance(model.input, dict) else next(iter(tensors.values())))


def _check(answer, expected, folder):
    assert set(answer) == set(expected), folder
    for task, value in expected.items():
        np.testing.assert_allclose(answer[task], value, atol=1e-6, err_msg=str(folder))
