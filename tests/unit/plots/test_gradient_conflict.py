"""The picture of the cosines of the tasks' gradients."""

import itertools
import sys
import types

import matplotlib
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import plots
from tests.helpers import toy

matplotlib.use("Agg")


def _record(cosines):
    """A record of the pair a, b."""
    matrices = np.array([[[1.0, cosine], [cosine, 1.0]] for cosine in cosines])
    steps = list(range(1, 1 + len(cosines)))
    return types.SimpleNamespace(task_names=["a", "b"], steps=steps, cosines=matrices)


def _matrices(figure):
    """Returns `{title: matrix}` of the panels with matrices."""
    return {axes.get_title(): np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images}


def _curves(figure):
    """Returns `{label: (x, y)}` of the curves."""
    (axes,) = [axes for axes in figure.axes if axes.get_xlabel() == "step" and axes.lines]
    lines = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    return {label: (list(line.get_xdata()), list(line.get_ydata())) for label, line in lines.items()}


def _texts(figure):
    """Returns the numbers in the cells of each matrix above the diagonal and below it."""
    return [[text.get_text() for text in axes.texts] for axes in figure.axes if axes.images]


def test_the_matrices_are_means_over_the_thirds():
    figure = plots.gradient_conflict(_record([0.0, 0.2, -0.4, -0.6, -0.8, -1.0]))
    matrices = _matrices(figure)
    assert list(matrices) == ["steps 1–2", "steps 3–4", "steps 5–6"]
    np.testing.assert_allclose([m[0, 1] for m in matrices.values()], [0.1, -0.5, -0.9])
    np.testing.assert_allclose([m[1, 0] for m in matrices.values()], [0.1, -0.5, -0.9])
    assert _texts(figure) == [["0.10"] * 2, ["−0.50"] * 2, ["−0.90"] * 2]
    assert _curves(figure) == {"a – b": ([1, 2, 3, 4, 5, 6], [0.0, 0.2, -0.4, -0.6, -0.8, -1.0])}


@pytest.mark.parametrize("as_file", [False, True])
def test_steps_that_were_made_again(as_file, tmp_path):
    """A record of a run that was killed after step 3 and taken up after step 1."""
    record = _record([0.1, 0.9, 0.9, 0.2, 0.3])
    record.steps = [1, 2, 3, 2, 3]
    if as_file:
        rows = [f"0,{s},a,b,{m[0, 1]}" for s, m in zip(record.steps, record.cosines, strict=True)]
        record = tmp_path / "c.csv"
        record.write_text("\n".join(["epoch,step,task_a,task_b,cosine", *rows]) + "\n")
    assert _curves(plots.gradient_conflict(record)) == {"a – b": ([1, 2, 3], [0.1, 0.2, 0.3])}


@pytest.mark.parametrize(
    ("cosines", "titles"), [([0.5], ["step 1"]), ([0.5, 0.25], ["step 1", "step 2"])], ids=["one", "two"]
)
def test_few_records_have_a_matrix_each(cosines, titles):
    matrices = _matrices(plots.gradient_conflict(_record(cosines)))
    assert list(matrices) == titles
    assert [m[0, 1] for m in matrices.values()] == cosines


def test_the_colours_are_fixed():
    figure = plots.gradient_conflict(_record([0.01, 0.02, 0.03]))
    for axes in figure.axes:
        for image in axes.images:
            assert image.get_clim() == (-1, 1)
            red, _, blue, _ = image.cmap(0.0)
            assert red > blue  # of conflict


def test_the_colours_tell_a_tenth_from_nothing():
    figure = plots.gradient_conflict(_record([0.1]))
    (image,) = [axes.images[0] for axes in figure.axes if axes.images and axes.get_title()]
    assert image.norm(0.1) - image.norm(0.0) > 0.15  # of a scale from 0 to 1: .05 where it is linear
    assert image.norm(0.0) - image.norm(-0.1) > 0.15
    (bar,) = [axes for axes in figure.axes if axes.get_ylabel() == "cosine" and not axes.get_xlabel()]
    assert {"−0.1", "0", "0.1"} <= {label.get_text() for label in bar.get_yticklabels()}


@pytest.mark.parametrize(("cosines", "scale"), [([0.05, -0.1], "linear"), ([0.05, -0.9], "asinh")])
def test_curves_far_from_0_leave_room_for_a_tenth(cosines, scale):
    (axes,) = [axes for axes in plots.gradient_conflict(_record(cosines)).axes if axes.get_xlabel() == "step"]
    assert axes.get_yscale() == scale


def test_pairs_have_the_colours_of_their_tasks():
    (axes,) = [axes for axes in plots.gradient_conflict(_record([0.1, 0.2])).axes if axes.get_xlabel() == "step"]
    pair = next(line for line in axes.lines if line.get_label() == "a – b")
    (panel,) = plots.history({"a_loss": [1.0, 2.0], "b_loss": [1.0, 3.0]}).axes
    assert [pair.get_color(), pair.get_gapcolor()] == [line.get_color() for line in panel.lines]
    assert [text.get_text() for text in axes.texts] == ["a – b"]


@pytest.mark.parametrize(("num_tasks", "panels"), [(2, 1), (6, 2)])
def test_one_step_has_one_tick(num_tasks, panels):
    names = [f"t{i}" for i in range(num_tasks)]
    record = types.SimpleNamespace(task_names=names, steps=[1], cosines=np.full((1, num_tasks, num_tasks), 0.5))
    figure = plots.gradient_conflict(record)
    assert [list(axes.get_xticks()) for axes in figure.axes if axes.get_xlabel() == "step"] == [[1]] * panels


def test_what_never_was_is_a_dash_and_in_no_mean():
    figure = plots.gradient_conflict(_record([0.5, np.nan, np.nan, np.nan, -0.001, np.nan]))
    assert _texts(figure) == [["0.50"] * 2, ["–"] * 2, ["0.00"] * 2]


def test_what_a_training_leaves(tmp_path):
    x, y = toy.arrays()
    callback = mtl.callbacks.GradientConflict(path=tmp_path / "conflict.csv")
    toy.model(metrics=[]).fit(x, y, batch_size=5, epochs=2, callbacks=[callback], verbose=0)
    figures = [plots.gradient_conflict(s, tmp_path / "conflict.png") for s in (callback, tmp_path / "conflict.csv")]
    assert (tmp_path / "conflict.png").read_bytes().startswith(b"\x89PNG")
    pairs = list(itertools.combinations(range(4), 2))
    for figure in figures:
        assert list(_matrices(figure)) == ["steps 1–3", "steps 4–5", "steps 6–8"]
        for matrix, span in zip(_matrices(figure).values(), (slice(0, 3), slice(3, 5), slice(5, 8)), strict=True):
            expected = callback.cosines[span].mean(axis=0)
            np.testing.assert_allclose([matrix[p] for p in pairs], [expected[p] for p in pairs], atol=1e-6)
        curves = _curves(figure)
        assert list(curves) == [f"{list(y)[i]} – {list(y)[j]}" for i, j in pairs]
        for (i, j), (steps, values) in zip(pairs, curves.values(), strict=True):
            assert steps == callback.steps
            np.testing.assert_allclose(values, callback.cosines[:, i, j], atol=1e-6)


def test_many_pairs_are_their_extremes_their_mean_and_a_heat_map():
    rng = np.random.default_rng(0)
    names = [f"t{i}" for i in range(6)]
    record = types.SimpleNamespace(task_names=names, steps=[1, 2, 3], cosines=rng.uniform(-1, 1, (3, 6, 6)))
    record.cosines[1, 0, 1] = np.nan
    figure = plots.gradient_conflict(record)
    curves = _curves(figure)
    pairs = {(i, j): np.nanmean(record.cosines[:, i, j]) for i, j in itertools.combinations(range(6), 2)}
    ranked = sorted(pairs, key=pairs.get)
    assert list(curves) == [f"t{i} – t{j}" for i, j in ranked[:3] + ranked[-3:]] + ["mean of the pairs"]
    (heat_map,) = [axes.collections[0] for axes in figure.axes if axes.get_title() == "all 15 pairs"]
    rows = np.ma.filled(heat_map.get_array(), np.nan).reshape(15, 3)
    np.testing.assert_allclose(rows, [record.cosines[:, i, j] for i, j in ranked])
    assert heat_map.get_clim() == (-1, 1)
    upper = [[m[p] for p in itertools.combinations(range(6), 2) if not np.isnan(m[p])] for m in record.cosines]
    np.testing.assert_allclose(curves["mean of the pairs"][1], [np.mean(values) for values in upper])


def test_nothing_to_draw_is_an_error(tmp_path):
    (tmp_path / "weights.csv").write_text("epoch,step,a\n0,1,1.0\n")
    (tmp_path / "empty.csv").write_text("epoch,step,task_a,task_b,cosine\n")
    sources = [None, {}, mtl.callbacks.GradientConflict(), tmp_path / "weights.csv", tmp_path / "empty.csv"]
    for source in sources:
        with pytest.raises(ValueError, match="`source` must be a `GradientConflict` with at least one record"):
            plots.gradient_conflict(source)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'plots.gradient_conflict` needs matplotlib. Run: pip install "mtl_keras\['):
        plots.gradient_conflict(_record([0.5]))
