"""The picture of the tasks' weights."""

import itertools
import sys

import keras
import matplotlib
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import plots
from tests.helpers import toy

matplotlib.use("Agg")

RECORD = {"epoch": [0, 0, 1], "step": [1, 3, 5], "a": [1.0, 2.0, 3.0], "b_weight": [1.0, 0.5, 0.25]}


def _drawn(figure):
    """Returns the label of the x axis, and `{label: (x, y)}`."""
    (axes,) = figure.axes
    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    return axes.get_xlabel(), lines


def test_a_record_of_steps():
    assert _drawn(plots.task_weights(RECORD)) == (
        "step",
        {"a": ([1, 3, 5], [1.0, 2.0, 3.0]), "b_weight": ([1, 3, 5], [1.0, 0.5, 0.25])},
    )


def test_steps_that_were_made_again():
    """A file of a run that was killed after step 5 and taken up after step 2."""
    record = {"epoch": [0, 0, 1, 0, 1], "step": [1, 3, 5, 3, 5], "a": [1.0, 9.0, 9.0, 2.0, 3.0]}
    assert _drawn(plots.task_weights(record)) == ("step", {"a": ([1, 3, 5], [1.0, 2.0, 3.0])})
    record = {"epoch": [0, 1, 1, 2], "step": [3, 6, 6, 9], "a": [1.0, 9.0, 2.0, 3.0]}
    assert _drawn(plots.task_weights(record)) == ("epoch", {"a": ([1, 2, 3], [1.0, 2.0, 3.0])})


def test_a_record_of_epochs():
    record = {**RECORD, "epoch": [0, 1, 2]}
    assert _drawn(plots.task_weights(record)) == (
        "epoch",
        {"a": ([1, 2, 3], [1.0, 2.0, 3.0]), "b_weight": ([1, 2, 3], [1.0, 0.5, 0.25])},
    )


def test_the_curves_of_a_fit():
    curves = {"loss": [3.0, 2.0], "a_weight": [1.0, 1.5], "a_loss": [1.0, 1.0], "b_weight": [1.0, 0.5]}
    assert _drawn(plots.task_weights(curves)) == ("epoch", {"a": ([1, 2], [1.0, 1.5]), "b": ([1, 2], [1.0, 0.5])})


def test_what_a_training_leaves(tmp_path):
    x, y = toy.arrays()
    model = toy.model(weighting="dwa", metrics=[])
    callback = mtl.callbacks.LogTaskWeights(tmp_path / "weights.csv")
    logger = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    history = model.fit(x, y, epochs=3, callbacks=[callback, logger], verbose=0)
    sources = [callback, callback.history, tmp_path / "weights.csv", str(tmp_path / "weights.csv")]
    sources += [history, history.history, tmp_path / "log.csv"]
    for source in sources:
        unit, lines = _drawn(plots.task_weights(source))
        assert unit == "epoch"
        assert set(lines) == set(y)
        for task, (epochs, weights) in lines.items():
            assert list(epochs) == [1, 2, 3]
            np.testing.assert_allclose(weights, callback.history[task], rtol=1e-6)


def test_many_records_are_a_running_mean_over_a_pale_line():
    values = [0.0, 1.0] * 50
    figure = plots.task_weights({"epoch": [0] * 100, "step": list(range(1, 101)), "a": values})
    pale, mean = figure.axes[0].lines
    assert list(pale.get_ydata()) == values
    assert pale.get_alpha() < 0.5
    np.testing.assert_allclose(mean.get_ydata()[2:-2], [0.4, 0.6] * 48)  # of five: 0 1 0 1 0, then 1 0 1 0 1


def test_close_weights_fill_the_panel():
    """Ten weights near 1 spread over the height, each with its name at its end, in order and without overlap."""
    figure = plots.task_weights({f"t{i}_weight": [1.0, 1.0 + 0.002 * i] for i in range(10)})
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert high - low < 0.03
    assert [text.get_text() for text in axes.texts] == [f"t{i}" for i in range(10)]
    figure.draw_without_rendering()
    boxes = [matplotlib.text.Text.get_window_extent(text) for text in axes.texts]
    assert all(above.y0 > below.y0 + 0.8 * below.height for below, above in itertools.pairwise(boxes))
    assert max(text.get_window_extent().x1 for text in axes.texts) <= figure.bbox.x1


@pytest.mark.parametrize(
    ("last", "scale", "bottom"), [(2.0, "linear", 0.0), (200.0, "log", None)], ids=["not close", "far"]
)
def test_other_weights_start_at_0_or_have_a_log_scale(last, scale, bottom):
    (axes,) = plots.task_weights({"a_weight": [1.0, last], "b_weight": [1.0, 0.5]}).axes
    assert axes.get_yscale() == scale
    assert bottom is None or axes.get_ylim()[0] == bottom


def test_tasks_have_the_colours_of_the_training_curves():
    """Whatever the order of the tasks: Keras sorts the names of the curves."""
    tasks = ["z", "m", "a"]
    weights = plots.task_weights({"epoch": [0], "step": [1], **{task: [1.0] for task in tasks}})
    curves = plots.history({f"{task}_loss": [float(i)] for i, task in enumerate(sorted(tasks))})
    colours = {line.get_label(): line.get_color() for line in weights.axes[0].lines}
    assert [colours[task] for task in sorted(tasks)] == [line.get_color() for line in curves.axes[0].lines]
    assert len(set(colours.values())) == 3


def test_it_is_saved(tmp_path):
    plots.task_weights(RECORD, tmp_path / "weights.png")
    assert (tmp_path / "weights.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("source", [{}, {"loss": [1.0]}, {"epoch": [], "step": [], "a": []}, [1.0], None])
def test_nothing_to_draw_is_an_error(source):
    with pytest.raises(ValueError, match="`source` must be a `LogTaskWeights` with at least one record"):
        plots.task_weights(source)


def test_an_empty_record_is_an_error(tmp_path):
    (tmp_path / "w.csv").write_text("epoch,step,a\n")
    for source in (mtl.callbacks.LogTaskWeights(), tmp_path / "w.csv"):
        with pytest.raises(ValueError, match="`source` must be a `LogTaskWeights` with at least one record"):
            plots.task_weights(source)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'plots.task_weights` needs matplotlib. Run: pip install "mtl_keras\[plots'):
        plots.task_weights(RECORD)
