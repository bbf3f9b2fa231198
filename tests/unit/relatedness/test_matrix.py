"""Matrix: its table, its checks and its picture."""

import itertools

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.relatedness import Matrix
from tests.helpers.marks import first_fast


def test_a_table_of_a_symmetric_matrix():
    nan = np.nan
    values = np.array([[1, -0.5, nan], [-0.5, 1, 0.25], [nan, 0.25, 1]])
    matrix = Matrix(
        ["a", "b", "c"], values, "r", np.full((3, 3), 1200), values - 0.1, values + 0.1, {("a", "c"): "why"}
    )
    assert matrix.table().splitlines() == [
        "pair    r        95 %               rows",
        "a – b   -0.500   [-0.600, -0.400]   1,200",
        "b – c   0.250    [0.150, 0.350]     1,200",
        "a – c   –        –                  1,200   why",
    ]
    assert str(matrix) == matrix.table()
    assert matrix["b", "c"] == 0.25


def test_a_table_of_a_gain_has_both_directions():
    matrix = Matrix(["a", "b"], [[0, -0.5], [0.004, 0]], "gain", gain=True)
    assert matrix.table().splitlines() == ["pair    gain", "b → a   0.004", "a → b   -0.500"]


def test_a_small_number_is_readable():
    assert "0.00012" in Matrix(["a", "b"], [[0, 0.00012], [0.3, 0]]).table()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((["a", "a"], np.eye(2)), "`tasks` must be a list of distinct names"),
        ((["a", "b"], np.eye(3)), r"`values` must be an array of shape \(2, 2\)"),
        ((["a", "b"], np.eye(2), "r", None, None, None, {}, False, 0), "`limit` must be a finite number above 0"),
        ((["a", "b"], np.eye(2), "r", np.ones(2)), r"`rows` must be an array of shape \(2, 2\)"),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ValueError, match=text):
        Matrix(*arguments)


def test_an_unknown_task():
    with pytest.raises(KeyError, match="'c' is not one of"):
        Matrix(["a", "b"], np.eye(2))["a", "c"]


@pytest.mark.parametrize("num_tasks", first_fast([3, 30]))
def test_numbers_fit_into_their_cells(num_tasks, tmp_path):
    """Every number lies within its cell and is drawn at a size of 8 points."""
    names = [f"a task of a long name {i}" for i in range(num_tasks)]
    values = np.random.default_rng(0).uniform(-1, 1, (num_tasks, num_tasks))
    values[0, 1] = np.nan
    figure = Matrix(names, values, "r").plot(tmp_path / "matrix.png")
    axes = figure.axes[0]
    texts = {text.get_position(): text for text in axes.texts}
    assert len(texts) == num_tasks * (num_tasks - 1)
    assert texts[1, 0].get_text() == "–"
    assert texts[0, 1].get_text() == f"{values[1, 0]:.2f}".replace("-", "−").replace("0.", ".", 1)
    figure.draw_without_rendering()
    width = abs(axes.transData.transform((1, 0))[0] - axes.transData.transform((0, 0))[0])
    assert max(text.get_window_extent().width for text in texts.values()) < width
    assert {text.get_fontsize() for text in texts.values()} == {8}
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert min(box.x0 for box in boxes) >= 0
    assert min(label.get_window_extent().y0 for label in axes.get_xticklabels()) >= 0
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize(("limit", "reach"), [(1.0, 1.0), (None, 0.25)])
def test_colours_reach_to_the_limit_or_the_largest_number(limit, reach):
    (image,) = Matrix(["a", "b"], [[1, -0.25], [0.1, 1]], "r", limit=limit).plot().axes[0].images
    assert image.get_clim() == (-reach, reach)


def test_something_else_is_no_matrix():
    with pytest.raises(ValueError, match=r"`matrix` must be a mtl_keras.relatedness.Matrix"):
        mtl.plots.relatedness(np.eye(2))
