"""Tags of a chain, by hand; `tests/unit/linalg/test_crf.py` has the enumeration of all paths."""

import numpy as np
import pytest

from mtl_keras import layers


def test_the_transitions_count():
    """Tag 1 is a little better at the second token; a change of tag costs more than that."""
    scores = np.array([[[2.0, 0.0], [0.0, 1.0]]])
    layer = layers.CRF()
    layer.build(scores.shape)
    assert np.array(layers.DecodeCRF()(layer(scores))).tolist() == [[0, 1]]
    layer.transitions.assign([[0.0, -1.5], [-1.5, 0.0]])
    assert np.array(layers.DecodeCRF()(layer(scores))).tolist() == [[0, 0]]
    # e to the sums of the paths 00, 01, 10, 11: 2, 1.5, -1.5, 1.
    paths = np.exp([2.0, 1.5, -1.5, 1.0])
    expected = np.array([paths[0] + paths[1], paths[0] + paths[2]]) / paths.sum()
    np.testing.assert_allclose(layers.DecodeCRF("probabilities")(layer(scores))[0, :, 0], expected, rtol=1e-5)


def test_arguments_out_of_range():
    with pytest.raises(ValueError, match="`returns` must be one of 'tags', 'probabilities'"):
        layers.DecodeCRF("path")
