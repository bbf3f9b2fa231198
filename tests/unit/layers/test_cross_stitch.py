"""Errors of the cross-stitch units; their numbers are those of the scheme."""

import numpy as np
import pytest

from mtl_keras import layers


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"index": -1}, "`index` must be an integer of at least 0"),
        ({"index": 0, "own": 1.5}, r"`own` must be a finite number of at least 0 and at most 1"),
    ],
)
def test_arguments_out_of_range(arguments, error):
    with pytest.raises(ValueError, match=error):
        layers.CrossStitch(**arguments)


@pytest.mark.parametrize("shapes", [[(2, 4)], [(2, 4), (2, 5)], [(2, 4), (2, 4)]])
def test_streams_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match="The inputs must be two tensors or more of the same shape"):
        layers.CrossStitch(index=2)([np.ones(shape) for shape in shapes])
