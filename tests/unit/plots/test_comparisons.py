"""The pictures of comparisons: pareto, gains, learning_curves and cost."""

import math

import numpy as np
import pytest

from mtl_keras import plots

NAN = math.nan


def _texts(axes):
    return [text.get_text() for text in axes.texts]


def _names(count):
    return ["single-task", *(f"method_{i}" for i in range(count - 1))]


def _runs(count):
    rng = np.random.default_rng(0)
    return {name: rng.normal(rng.normal(0.9, 0.02, 2), 0.003, (5, 2)) for name in _names(count)}


def _boxes(figure, axes):
    """Returns the boxes of the names in a panel, in pixels."""
    figure.draw_without_rendering()
    return [text.get_window_extent() for text in axes.texts]


@pytest.mark.parametrize("count", [1, 3, 40])
def test_pareto_names_what_has_room_and_no_name_covers_another(count):
    figure = plots.pareto(_runs(count), ["a accuracy", "b accuracy"], baseline="single-task")
    (axes,) = figure.axes
    assert len(axes.texts) >= min(count, 20)
    assert "single-task" in _texts(axes)
    boxes = _boxes(figure, axes)
    overlaps = [a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert sum(overlaps) <= 0.01 * len(overlaps)  # the widths of the letters are estimated


def test_pareto_front_by_hand():
    """b is beaten by c in both; for errors, lower is better."""
    runs = {"a": [(0.9, 0.1)], "b": [(0.8, 0.3)], "c": [(0.95, 0.2)]}
    (line,) = plots.pareto(runs, ["x", "y"], ["max", "min"]).axes[0].lines
    assert line.get_xydata().tolist() == [[0.9, 0.1], [0.95, 0.2]]


def test_pareto_ellipse_is_a_standard_deviation():
    """Of runs spread by 2 along x and 1 along y: covariance diag(4, 1)."""
    runs = {"a": [(2 * u, v) for u, v in [(1, 1), (1, -1), (-1, 1), (-1, -1)]]}
    (ellipse,) = plots.pareto(runs, ["x", "y"]).axes[0].patches
    spread = math.sqrt(4 / 3)  # of four numbers of size 1 around 0
    assert sorted([ellipse.width, ellipse.height]) == pytest.approx([2 * spread, 4 * spread])


def test_gains_are_sorted_and_coloured_by_their_interval():
    found = {
        "worse": {"t": (-2, -3, -1)},
        "better": {"t": (2, 1, 3)},
        "open": {"t": (1, -1, 3)},
        "none": {"t": (NAN,) * 3},
    }
    (axes,) = plots.gains(found).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["better", "open", "worse", "none"]
    colours = {float(line.get_ydata()[0]): line.get_color() for line in axes.lines if line.get_marker() == "o"}
    assert colours == {0: "#0072B2", 1: "0.55", 2: "#D55E00"}


def test_with_verdicts_an_interval_alone_colours_nothing():
    found = {"a": {"t": (2, 1, 3)}, "b": {"t": (1, 0.5, 2)}}
    (axes,) = plots.gains(found, verdicts={"t": {"a": "gains", "b": "cannot be told apart"}}).axes
    colours = {float(line.get_ydata()[0]): line.get_color() for line in axes.lines if line.get_marker() == "o"}
    assert colours == {0: "#0072B2", 1: "0.55"}


def test_a_gain_of_far_reach_is_cut_with_arrows():
    found = {f"m{i}": {"t": (i, i - 1, i + 1)} for i in range(5)} | {"wide": {"t": (0, -500, 500)}}
    (axes,) = plots.gains(found).axes
    assert axes.get_xlim()[1] < 10
    assert sorted(line.get_marker() for line in axes.lines if line.get_marker() in "<>") == ["<", ">"]


def test_gains_of_40_candidates_are_higher_than_of_3():
    few, many = ({name: {"t": (0, -1, 1)} for name in _names(n)} for n in (3, 40))
    assert plots.gains(many).get_size_inches()[1] > 3 * plots.gains(few).get_size_inches()[1]


def test_learning_curves_are_means_over_the_runs_that_last():
    figure = plots.learning_curves({"a": [[1.0, 2.0, 6.0], [3.0, 4.0]]}, "figure")
    (line,) = figure.axes[0].lines
    assert line.get_ydata().tolist() == [2.0, 3.0, 6.0]


def test_of_many_learning_curves_the_ends_are_named():
    curves = {f"m{i:02}": [[0.0, i / 40]] for i in range(40)}
    (axes,) = plots.learning_curves(curves, "figure").axes
    assert len(axes.lines) == 40
    assert sorted(_texts(axes)) == ["m00", "m01", "m02", "m37", "m38", "m39"]


def test_cost_colours_what_no_cheaper_one_beats():
    points = {
        "base": (2.0, 0.0, NAN, NAN),
        "good": (1.0, 1.0, 0.5, 1.5),
        "dear": (90.0, 0.5, 0.0, 1.0),
        "?": (NAN, 1, 0, 2),
    }
    (axes,) = plots.cost(points, baseline="base").axes
    assert axes.get_xscale() == "log"
    assert sorted(_texts(axes)) == ["base", "dear", "good"]
    assert {text.get_text(): text.get_color() for text in axes.texts} == {
        "base": "black",
        "good": "#0072B2",
        "dear": "0.35",
    }


def test_files(tmp_path):
    for name, draw in {
        "pareto": lambda path: plots.pareto(_runs(3), ["x", "y"], path=path),
        "gains": lambda path: plots.gains({"a": {"t": (1, 0, 2)}}, path=path),
        "curves": lambda path: plots.learning_curves({"a": [[1.0]]}, "y", path=path),
        "cost": lambda path: plots.cost({"a": (1, 1, 0, 2)}, path=path),
    }.items():
        draw(tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.pareto({}, ["x", "y"]), "`figures` must hold at least one candidate with a pair"),
        (lambda: plots.pareto(_runs(3), ["x", "y"], ["up", "max"]), r"`directions\[0\]` must be one of"),
        (lambda: plots.gains({}), "`gains` must hold at least one gain"),
        (lambda: plots.learning_curves({"a": []}, "y"), "`curves` must hold at least one curve"),
        (lambda: plots.cost({"a": (NAN, 1, 0, 2)}), "`points` must hold at least one candidate"),
    ],
)
def test_nothing_to_draw(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
