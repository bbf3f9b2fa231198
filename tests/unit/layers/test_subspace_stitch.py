"""Stitches of subspaces, by hand."""

import numpy as np
import pytest

from mtl_keras import layers


def test_subspaces_show_how_much_of_each_task_they_take():
    layer = layers.SubspaceStitch(index=1, own=0.7, name="b")
    layer([np.ones((1, 2)), np.ones((1, 2))])
    shown = layer.inspect(None)["alpha"]["b"]
    assert {column: float(value) for column, value in shown.items()} == pytest.approx({"task1": 0.2, "task2": 0.8})


def test_subspaces_at_right_angles_cost_nothing():
    x = np.array([[1.0, 1.0], [1.0, -1.0]], "float32")  # the columns are orthogonal
    layer = layers.SubspaceStitch(index=0, orthogonality=1.0)
    layer([x, x])
    assert float(layer.losses[0]) == pytest.approx(0.0)
    layer([np.ones((4, 2)), np.ones((4, 2))])
    assert float(layer.losses[0]) == pytest.approx(1.0)  # (1/4 · Σ 1·1)²


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"index": 0, "num_subspaces": 0}, "`num_subspaces` must be an integer of at least 1"),
        ({"index": 0, "orthogonality": -1}, "`orthogonality` must be a finite number of at least 0"),
    ],
)
def test_arguments_out_of_range(arguments, error):
    with pytest.raises(ValueError, match=error):
        layers.SubspaceStitch(**arguments)


@pytest.mark.parametrize("shapes", [[(2, 4)], [(2, 4), (2, 5)], [(2, 4), (2, 4)]])
def test_streams_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match="The inputs must be two tensors or more of the same shape"):
        layers.SubspaceStitch(index=2)([np.ones(shape) for shape in shapes])


def test_subspaces_must_divide_the_channels():
    with pytest.raises(ValueError, match="`num_subspaces` must divide the number of channels"):
        layers.SubspaceStitch(index=0, num_subspaces=3)([np.ones((1, 4)), np.ones((1, 4))])
