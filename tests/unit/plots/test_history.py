"""The picture of the training curves."""

import sys

import matplotlib
import pytest

from mtl_keras import plots
from tests.helpers import toy

matplotlib.use("Agg")

CURVES = {
    "loss": [3.0, 2.0],
    "digit_loss": [1.0, 0.5],
    "digit_top_loss": [2.0, 1.5],
    "digit_accuracy": [0.5, 0.75],
    "digit_top_accuracy": [0.25, 0.5],
    "learning_rate": [0.1, 0.01],
    "val_loss": [3.5, 2.5],
    "val_digit_accuracy": [0.4, 0.6],
    "val_digit_auc": [0.7, 0.8],
}


def lines(axes):
    """Returns what a panel shows: `[(numbers, style)]`."""
    return [(list(line.get_ydata()), line.get_linestyle()) for line in axes.lines if len(line.get_ydata())]


def test_one_panel_for_the_losses_and_one_for_each_kind_of_metric():
    panels = {axes.get_title(): lines(axes) for axes in plots.history(CURVES).axes}
    assert panels == {
        "loss": [([3.0, 2.0], "-"), ([3.5, 2.5], "--"), ([1.0, 0.5], "-"), ([2.0, 1.5], "-")],
        "accuracy": [([0.5, 0.75], "-"), ([0.4, 0.6], "--"), ([0.25, 0.5], "-")],
        "learning_rate": [([0.1, 0.01], "-")],
        "auc": [([0.7, 0.8], "--")],
    }


def test_cosines_have_a_picture_of_their_own():
    figure = plots.history({**CURVES, "cosine_digit_digit_top": [0.5, 0.1]})
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "learning_rate", "auc"]


def test_a_task_keeps_its_colour():
    figure = plots.history(CURVES)
    colours = {
        line.get_ydata()[0]: line.get_color() for axes in figure.axes for line in axes.lines if len(line.get_ydata())
    }
    assert colours[1.0] == colours[0.5] == colours[0.4] == colours[0.7]
    assert colours[2.0] == colours[0.25] != colours[1.0]


def test_the_legend_says_which_line_is_what():
    (legend,) = plots.history(CURVES).legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["digit", "digit_top", "total", "training", "validation"]


def test_what_fit_returned(tmp_path):
    model = toy.model(metrics=None)
    x, y = toy.arrays()
    history = model.fit(x, y, validation_data=(x, y), epochs=2, verbose=0)
    figure = plots.history(history, tmp_path / "curves.png")
    assert [axes.get_title() for axes in figure.axes] == [
        "loss",
        "accuracy",
        "mae",
        "auc",
        "macro_auc",
    ]  # as Keras sorts them
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def _many(num_tasks, epochs=3):
    """Curves of many tasks, with validation."""
    curves = {}
    for i in range(num_tasks):
        for name, value in ((f"t{i}_loss", 1.0 + i), (f"t{i}_accuracy", 0.5)):
            curves[name] = [value / (1 + epoch) for epoch in range(epochs)]
            curves[f"val_{name}"] = [1.1 * value for value in curves[name]]
    return {**curves, "loss": [9.0] * epochs, "val_loss": [10.0] * epochs}


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ({"a": [200.0, 150.0], "b": [1.5, 1.0]}, "log"),
        ({"a": [20.0, 15.0], "b": [1.5, 1.0]}, "linear"),
        ({"a": [200.0, 150.0], "b": [1.5, -1.0]}, "symlog"),
        ({"a": [2.0, 1.5], "b": [1.5, -0.001]}, "linear"),
    ],
    ids=["far", "close", "far and negative", "close and negative"],
)
def test_losses_that_differ_by_100_times_have_a_log_scale(losses, scale):
    (axes,) = plots.history({f"{task}_loss": values for task, values in losses.items()}).axes
    assert axes.get_yscale() == scale


def test_metrics_within_one_stay_linear_and_errors_do_not():
    metrics = {"a_accuracy": [0.001, 0.9], "a_mae": [200.0, 1.0], "learning_rate": [0.1, 0.0001]}
    figure = plots.history({"loss": [2.0, 1.0], "a_loss": [2.0, 1.0], **metrics})
    scales = {axes.get_title(): axes.get_yscale() for axes in figure.axes}
    assert scales == {"loss": "linear", "accuracy": "linear", "mae": "log", "learning_rate": "log"}


def test_what_stays_constant_is_a_line_of_text():
    constant = {"learning_rate": [0.001, 0.001], "digit_weight": [1.0, 1.0], "digit_top_weight": [0.5, 0.5]}
    figure = plots.history({**{k: v for k, v in CURVES.items() if k != "learning_rate"}, **constant})
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "auc"]
    assert figure.get_supxlabel() == "Constant: learning_rate 0.001, weight 0.5 to 1"


def test_one_epoch_has_markers_side_by_side_that_tell_validation():
    figure = plots.history(_many(2, epochs=1))
    axes = figure.axes[0]
    assert all(line.get_marker() == "o" for line in axes.lines)
    assert len(axes.lines) == 6
    assert list(axes.get_xticks()) == [1]
    places = [line.get_xdata()[0] for line in axes.lines]
    assert len(set(places)) == 3  # two tasks and the total
    hollow = [line.get_markerfacecolor() for line in axes.lines if line.get_linestyle() == "--"]
    assert hollow == ["white"] * 3
    assert all(line.get_markerfacecolor() != "white" for line in axes.lines if line.get_linestyle() == "-")


@pytest.mark.parametrize("num_tasks", [6, 10, 20])
def test_of_many_tasks_training_and_validation_have_a_panel_each(num_tasks):
    panels = {axes.get_title(): axes for axes in plots.history(_many(num_tasks)).axes}
    assert list(panels) == ["loss, training", "loss, validation", "accuracy, training", "accuracy, validation"]
    for kind in ("loss", "accuracy"):
        training, validation = panels[f"{kind}, training"], panels[f"{kind}, validation"]
        assert training.get_ylim() == validation.get_ylim()
        assert {line.get_linestyle() for line in training.lines} == {"-"}
        assert {line.get_linestyle() for line in validation.lines} == {"--"}
    looks = {(line.get_color(), line.get_marker()) for line in panels["accuracy, training"].lines}
    assert len(looks) == num_tasks


def test_the_legend_of_20_tasks_is_within_the_figure():
    figure = plots.history(_many(20))
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1


def test_validation_at_every_second_epoch_stands_at_its_epochs():
    (axes,) = plots.history({"loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [3.5, 1.5]}).axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[1, 2, 3, 4], [2, 4]]


def test_history_of_a_model_with_one_output():
    figure = plots.history({"loss": [1.0], "accuracy": [0.5]})
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy"]
    assert not figure.legends


@pytest.mark.parametrize("history", [{}, {"loss": []}, [1.0], None])
def test_nothing_to_draw_is_an_error(history):
    with pytest.raises(ValueError, match="`history` must be what `fit` returned"):
        plots.history(history)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "mtl_keras\[plots\]"'):
        plots.history(CURVES)
