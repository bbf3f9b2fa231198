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


def _panels(figure):
    """The panels with cells, by title."""
    return {axes.get_title(): axes for axes in figure.axes if axes.images}


def _labels(axes):
    """The names of the rows and of the columns."""
    return [[label.get_text() for label in labels] for labels in (axes.get_yticklabels(), axes.get_xticklabels())]


def test_a_panel_a_table():
    first, second = _panels(plots.sharing(TABLES)).values()
    assert [axes.get_title() for axes in (first, second)] == ["gate_level1", "gate_level2"]
    assert _labels(first) == [["a", "b"], ["shared expert 1", "a expert 1", "b expert 1"]]
    assert _texts(first) == {(0, 0): "0.75", (1, 0): "0.25", (0, 1): "0.50", (2, 1): "0.50"}
    assert _texts(second) == {(0, 0): "1.00", (1, 0): "0.00"}


def test_what_a_task_does_not_have_is_empty():
    image = plots.sharing(TABLES).axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(image, np.nan), [[0.75, 0.25, np.nan], [0.5, np.nan, 0.5]])


def test_one_number():
    assert _texts(plots.sharing({"mean": {"a": {"x": -2.0}}}).axes[0]) == {(0, 0): "−2.00"}


def test_what_inspect_returned(tmp_path):
    tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Regression())]
    model = mtl.build_model((6,), tasks, sharing="dselect_k")
    figure = plots.sharing(mtl.sharing.inspect(model, np.ones((4, 6))), tmp_path / "sharing.png")
    assert list(_panels(figure)) == ["gate", "chosen"]
    assert (tmp_path / "sharing.png").read_bytes().startswith(b"\x89PNG")


def _model(sharing, names):
    return mtl.build_model((6,), [mtl.Task(name, mtl.heads.Binary()) for name in names], sharing=sharing)


def test_one_scale_of_colours_with_a_bar():
    figure = plots.sharing({**TABLES, "small": {"a": {"x": 0.01}, "b": {"x": 0.02}}})
    assert {axes.images[0].get_clim() for axes in _panels(figure).values()} == {(0.0, 1.0)}
    (bar,) = [axes for axes in figure.axes if not axes.images]
    assert bar.get_ylim() == (0.0, 1.0)


def test_numbers_below_0_are_red_and_0_is_white():
    (axes,) = _panels(plots.sharing({"mean": {"a": {"x": -2.0, "y": 1.0}}})).values()
    image = axes.images[0]
    assert image.get_clim() == (-2.0, 2.0)
    red, _, blue, _ = image.to_rgba(-2.0)
    assert red > blue
    assert min(image.to_rgba(0.0)) > 0.9


def test_experts_are_named_apart_from_tasks():
    names = ["is_1", "is_11"]  # whose experts `inspect` calls is_11 and is_111
    tables = mtl.sharing.inspect(_model(mtl.sharing.PLE(num_shared_experts=1), names), np.ones((4, 6)))
    experts = ["shared expert 1", "is_1 expert 1", "is_11 expert 1"]
    labels = {title: _labels(axes) for title, axes in _panels(plots.sharing(tables)).items()}
    assert labels == {"gate_level1": [[*names, "shared"], experts], "gate_level2": [names, experts]}


@pytest.mark.parametrize("scheme", ["cross_stitch", "sluice"])
def test_stages_have_panels_with_the_tasks_in_order_in_rows_and_columns(scheme):
    names = ["z", "m_1", "a"]
    model = _model(scheme, names)
    tables = mtl.sharing.inspect(model, np.ones((4, 6)))
    panels = _panels(plots.sharing(tables, tasks=model.task_names))
    stages = ["alpha, dense1", "alpha, dense2"]
    assert [title for title in panels if title != "stages"] == stages
    for title in stages:
        assert _labels(panels[title]) == [names, names]
        alpha = np.asarray(panels[title].images[0].get_array())
        assert (alpha.argmax(axis=1) == [0, 1, 2]).all()  # its own
    if scheme == "sluice":
        assert _labels(panels["stages"]) == [names, ["dense1", "dense2"]]


def test_without_the_names_rows_are_sorted_and_columns_numbered():
    tables = mtl.sharing.inspect(_model("cross_stitch", ["t10", "t2"]), np.ones((4, 6)))
    panels = _panels(plots.sharing(tables))
    assert list(panels) == ["alpha, dense1", "alpha, dense2"]
    assert all(_labels(axes) == [["t2", "t10"], ["task 1", "task 2"]] for axes in panels.values())


def test_sluice_has_its_stage_factors_in_a_table_of_their_own():
    tables = mtl.sharing.inspect(_model("sluice", ["a_x", "b_x"]), np.ones((4, 6)))
    panels = _panels(plots.sharing(tables))
    assert list(panels) == ["alpha, dense1", "alpha, dense2", "stages"]
    assert _labels(panels["stages"]) == [["a_x", "b_x"], ["dense1", "dense2"]]
    assert _labels(panels["alpha, dense1"]) == [["a_x", "b_x"], ["task 1", "task 2"]]


def test_masks_and_branches():
    masks = _panels(plots.sharing(mtl.sharing.inspect(_model("mtan", ["b", "a"]), np.ones((4, 6))), tasks=["b", "a"]))
    assert {title: _labels(axes) for title, axes in masks.items()} == {"mask": [["b", "a"], ["dense1", "dense2"]]}
    branches = _panels(plots.sharing(mtl.sharing.inspect(_model("ltb", ["b", "a"]), np.ones((4, 6))), tasks=["b", "a"]))
    columns = ["branch 1", "branch 2"]
    assert {title: _labels(axes) for title, axes in branches.items()} == {
        "branch, dense2": [columns, columns],
        "branch": [["b", "a"], columns],
    }


def test_gates_have_their_tasks_in_order():
    names = [f"t{i}" for i in range(11)]  # which Keras sorts as t0, t1, t10, t2
    tables = mtl.sharing.inspect(_model(mtl.sharing.CGC(num_shared_experts=1), names), np.ones((4, 6)))
    (axes,) = _panels(plots.sharing(tables)).values()
    assert _labels(axes) == [names, ["shared expert 1", *(f"{name} expert 1" for name in names)]]
    backwards = names[::-1]
    (axes,) = _panels(plots.sharing(tables, tasks=backwards)).values()
    assert _labels(axes) == [backwards, ["shared expert 1", *(f"{name} expert 1" for name in backwards)]]


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (["a_block_1_stitch", "b_block_1_stitch"], {"alpha, block_1": ["a", "b"]}),
        (["odd_stitch"], {"alpha": ["odd"]}),
        (["else"], {"alpha": ["else"]}),
    ],
    ids=["stage of two words", "no stage", "other name"],
)
def test_rows_whose_names_say_little(names, split):
    tables = {"alpha": {name: {"task1": 0.5, "task2": 0.5} for name in names}}
    panels = _panels(plots.sharing(tables, tasks=["a", "b"]))
    assert {title: _labels(axes)[0] for title, axes in panels.items()} == split


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
