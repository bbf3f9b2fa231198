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
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "mae", "auc"]  # as Keras sorts them
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


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
