"""The candidates of "shortlist"."""

import pytest

import mtl_keras as mtl
from mtl_keras.study import _shortlist
from tests.unit.study._problem import TASKS, build

CHEAP = ["single-task", "sum", "uncertainty", "famo"]


def test_a_build_that_takes_no_level_has_no_method_on_gradients():
    found = _shortlist.shortlist(build, TASKS)
    assert list(found) == ["single-task", "sum", "tuned sum", "uncertainty", "famo", "mmoe", "cross_stitch"]
    assert found["tuned sum"] == {"loss_weights": mtl.study.LossWeights(TASKS)}
    assert found["single-task"] == {"sharing": "single_task"}


@pytest.mark.parametrize(("count", "gramian"), [(5, "pcgrad"), (6, "cagrad"), (13, "cagrad")])
def test_the_method_on_gradients_depends_on_the_number_of_tasks(count, gramian):
    def function(sharing="hard", weighting=None, level=None):
        return build(sharing)

    found = _shortlist.shortlist(function, [f"t{i}" for i in range(count)])
    assert found[gramian] == {"weighting": gramian, "level": "features"}
    assert ("mmoe" in found) == (count <= 12)
    assert "tuned sum" not in found


def test_a_large_tower_is_not_multiplied(monkeypatch):
    monkeypatch.setattr(_shortlist, "_LARGE", build().count_params())
    assert list(_shortlist.shortlist(lambda sharing="hard", weighting=None: build(sharing), TASKS)) == CHEAP


def test_a_build_that_takes_whatever_comes_gets_all():
    def function(**parameters):
        return build(**parameters)

    assert {"tuned sum", "pcgrad", "mmoe"} < set(_shortlist.shortlist(function, TASKS))


def test_a_build_without_weighting_is_an_error():
    with pytest.raises(ValueError, match=r"has parameters \['weighting'\] that `build` does not take"):
        _shortlist.shortlist(lambda sharing="hard": build(sharing), TASKS)
