"""A comparison and a search keep no graph of the models that they have trained, and spare those of others."""

import gc

import keras
import pytest
from tensorflow.python.framework.func_graph import FuncGraph

import mtl_keras as mtl
from tests.unit.study import _problem

pytestmark = pytest.mark.graph


def test_graphs_of_a_comparison_are_freed():
    before = _graphs()
    _problem.compare({"a": {}}, baseline="a", epochs=1)
    assert _graphs() <= before


@pytest.mark.slow
def test_graphs_of_a_search_are_freed():
    before = _graphs()
    mtl.study.search(
        _problem.build, {}, _problem.TRAIN, _problem.VALID, trials=2, epochs=1, batch_size=64, verbose=False
    )
    assert _graphs() <= before


@pytest.mark.slow
def test_a_model_trained_before_a_comparison_goes_on_training():
    model, data = _problem.build(), mtl.data.from_arrays(*_problem.TRAIN, 64)
    first = model.fit(data, verbose=0).history["loss"]
    _problem.compare({"a": {}}, baseline="a", epochs=1, seeds=1)
    assert model.fit(data, verbose=0).history["loss"] < first


def _graphs():
    keras.utils.clear_session()
    gc.collect()
    return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())
