"""Sluice."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.sharing import Sluice
from tests.helpers import toy
from tests.unit.sharing import _tiny

KERNELS = {"a_dense1_dense": 1.0, "b_dense1_dense": 10.0}


def test_numbers_by_hand():
    """Subspaces 1 and 2 of task a and 10 and 20 of task b; α 0.7 for itself and 0.1 for each other one."""
    model = _tiny.model(Sluice(own=0.7, orthogonality=0.5), KERNELS)
    features = _tiny.features(model, [1.0, 2.0])
    np.testing.assert_allclose(features["a"], [0.7 + 3.2, 1.4 + 3.1], rtol=1e-6)
    np.testing.assert_allclose(features["b"], [7.0 + 2.3, 14.0 + 1.3], rtol=1e-6)
    np.testing.assert_allclose(
        sorted(map(float, model.losses)), [0.5 * 4, 0.5 * 40_000], rtol=1e-6
    )  # (1 · 2)², (10 · 20)²


def test_the_stages_are_mixed_by_hand():
    """With 3.9, 4.5, 9.3, 15.3 from stage 1, as above, and stage 2 the identity."""
    model = _tiny.model(Sluice(own=0.7), {**KERNELS, "a_dense2_dense": 1.0, "b_dense2_dense": 1.0}, stages=2)
    second = [0.7 * 3.9 + 0.1 * (4.5 + 9.3 + 15.3), 0.7 * 4.5 + 0.1 * (3.9 + 9.3 + 15.3)]
    expected = [0.7 * second[0] + 0.3 * 3.9, 0.7 * second[1] + 0.3 * 4.5]
    np.testing.assert_allclose(_tiny.features(model, [1.0, 2.0])["a"], expected, rtol=1e-5)
    np.testing.assert_allclose(model.get_layer("a_stages").alpha, [[0.3], [0.7]], rtol=1e-6)


@pytest.mark.slow
def test_with_identity_units_it_is_single_task():
    x, _ = toy.arrays()
    tower = mtl.towers.LeNet(filters=(2, 4), units=(6,))
    sluice, alone = (mtl.build_model(toy.SHAPE, toy.tasks(), tower, s) for s in (Sluice(own=1.0), "single_task"))
    for layer in alone.layers:
        sluice.get_layer(layer.name).set_weights(layer.get_weights())
    for task, expected in alone(x).items():
        np.testing.assert_allclose(sluice(x)[task], expected, atol=1e-6)


def test_partition():
    partition = _tiny.train_partition(Sluice())
    towers = [f"{t}_dense{i}_dense/{v}" for t in "ab" for i in (1, 2) for v in ("bias", "kernel")]
    assert _tiny.paths(partition.shared) == sorted([*towers, "a_dense1_stitch/alpha", "b_dense1_stitch/alpha"])
    for task, own in partition.own.items():
        names = ["dense2_stitch/alpha", "linear/bias", "linear/kernel", "stages/alpha"]
        assert _tiny.paths(own) == [f"{task}_{name}" for name in names]


def test_stages_of_other_widths_are_projected():
    partition = _tiny.train_partition(Sluice(), units=(4, 2))
    assert "a_dense1_project/kernel" in _tiny.paths(partition.own["a"])


def test_the_penalty_is_trained():
    """With no other loss, the subspaces turn away from each other."""
    x, y = toy.arrays()
    loss_weights = dict.fromkeys(y, 0.0)
    model = toy.model(
        Sluice(orthogonality=1.0), optimizer=keras.optimizers.Adam(0.01), loss_weights=loss_weights, metrics=[]
    )
    history = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"num_subspaces": 0}, "`num_subspaces` must be an integer of at least 1"),
        ({"orthogonality": -1.0}, "`orthogonality` must be a finite number of at least 0"),
    ],
)
def test_arguments_out_of_range(arguments, error):
    with pytest.raises(ValueError, match=error):
        Sluice(**arguments)
