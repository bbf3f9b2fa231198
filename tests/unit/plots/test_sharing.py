"""The picture of how much each task uses of what it shares."""

import sys

import matplotlib
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import plots

matplotlib.use("Agg")

TABLES = {
    "gate_level1": {"a": {"shared1": 0.75, "a1": 0.25}, "b": {"shared1": 0.5, "b1": 0.5}},
    "gate_level2": {"a": {"shared1": 1.0, "a1": 0.0}},
}


def _texts(axes):
    """The numbers by place, (column, row)."""
    return {text.get_position(): text.get_text() for text in axes.texts}


def test_a_panel_a_table():
    first, second = plots.sharing(TABLES).axes
    assert [axes.get_title() for axes in (first, second)] == ["gate_level1", "gate_level2"]
    assert [label.get_text() for label in first.get_xticklabels()] == ["shared1", "a1", "b1"]
    assert [label.get_text() for label in first.get_yticklabels()] == ["a", "b"]
    assert _texts(first) == {(0, 0): "0.75", (1, 0): "0.25", (0, 1): "0.50", (2, 1): "0.50"}
    assert _texts(second) == {(0, 0): "1.00", (1, 0): "0.00"}


def test_what_a_task_does_not_have_is_empty():
    image = plots.sharing(TABLES).axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(image, np.nan), [[0.75, 0.25, np.nan], [0.5, np.nan, 0.5]])


def test_one_number():
    assert _texts(plots.sharing({"mean": {"a": {"x": -2.0}}}).axes[0]) == {(0, 0): "-2.00"}


def test_what_inspect_returned(tmp_path):
    tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Regression())]
    model = mtl.build_model((6,), tasks, sharing="dselect_k")
    figure = plots.sharing(mtl.sharing.inspect(model, np.ones((4, 6))), tmp_path / "sharing.png")
    assert [axes.get_title() for axes in figure.axes] == ["gate", "chosen"]
    assert (tmp_path / "sharing.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("tables", [{}, None, {"gate": {}}, {"gate": {"a": {}}}, {"gate": {"a": 1.0}}, [1.0]])
def test_nothing_to_draw_is_an_error(tables):
    with pytest.raises(
        ValueError, match=r"`tables` must be what `mtl_keras.sharing.inspect` returned.* Received: tables="
    ):
        plots.sharing(tables)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"`mtl_keras.plots.sharing` needs matplotlib"):
        plots.sharing(TABLES)
