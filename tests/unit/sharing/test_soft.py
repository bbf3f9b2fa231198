"""Soft."""

import numpy as np

from tests.helpers import toy


def test_the_graph_is_that_of_single_task():
    soft, single = toy.model("soft"), toy.model("single_task")
    assert soft.tower_layers == single.tower_layers
    ours, theirs = ({**model.get_config(), "name": None} for model in (soft, single))
    assert ours["layers"] == theirs["layers"]


def test_without_the_callback_it_trains_as_single_task():
    x, y = toy.arrays()
    weights = []
    for sharing in ("soft", "single_task"):
        model = toy.model(sharing)
        model.set_weights([np.full(w.shape, 0.1 * (i + 1), w.dtype) for i, w in enumerate(model.get_weights())])
        history = model.fit(x, y, shuffle=False, verbose=0).history
        assert "soft_sharing_penalty" not in history
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
