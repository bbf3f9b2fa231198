"""ESMM."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.sharing import ESMM
from tests.helpers import toy
from tests.unit.sharing import _tiny

NAMES = ["click", "cart", "conversion"]


def _model(logits=None, sharing="esmm", **arguments):
    """A model of three events; with the given logits, whatever the input."""
    tasks = [mtl.Task(name, mtl.heads.Binary()) for name in NAMES]
    model = mtl.build_model((2,), tasks, mtl.towers.MLP((4, 3)), sharing)
    for name, logit in zip(NAMES, logits or [], strict=bool(logits)):
        model.get_layer(f"{name}_linear").set_weights([np.zeros((3, 1)), np.array([logit])])
    model.compile(**{"optimizer": "sgd", "metrics": [], **arguments})
    return model


def test_outputs_are_products_by_hand():
    model = _model([0.0, np.log(3.0), -np.log(4.0)])  # 0.5, 0.75 and 0.2
    found = {name: float(p[0, 0]) for name, p in model(np.ones((1, 2))).items()}
    assert found == pytest.approx({"click": 0.5, "cart": 0.375, "conversion": 0.075}, rel=1e-6)


def test_outputs_are_products_of_the_conditional_probabilities():
    model, x = _model(), np.random.default_rng(0).normal(size=(50, 2))
    conditional = keras.Model(model.input, {name: model.get_layer(f"{name}_linear").output for name in NAMES})(x)
    product = np.ones((50, 1))
    for name in NAMES:
        product = product / (1 + np.exp(-np.asarray(conditional[name], "float64")))
        np.testing.assert_allclose(model(x)[name], product, rtol=1e-6)


def test_loss_and_gradient_of_confident_errors():
    """Logits 500, −400 and 300, and all three events happened: log-losses 0, 400 and 400."""
    model = _model([500.0, -400.0, 300.0], optimizer=keras.optimizers.SGD(1.0))
    y = {name: np.ones(4) for name in NAMES}
    assert model.train_on_batch(np.ones((4, 2)), y, return_dict=True)["loss"] == pytest.approx(800.0, rel=1e-6)
    biases = [float(model.get_layer(f"{name}_linear").bias[0]) for name in NAMES]
    assert biases == pytest.approx([500.0, -398.0, 300.0])  # both losses pull the second logit up
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_loss_of_an_event_that_did_not_happen():
    """p = 1 in float32: the loss of 0 is the logit of the product, min(500, 300)."""
    model = _model([500.0, 500.0, 300.0], optimizer=keras.optimizers.SGD(1.0))
    y = {"click": np.ones(4), "cart": np.ones(4), "conversion": np.zeros(4)}
    assert model.train_on_batch(np.ones((4, 2)), y, return_dict=True)["loss"] == pytest.approx(300.0, rel=1e-6)
    assert float(model.get_layer("conversion_linear").bias[0]) == pytest.approx(299.0)


@pytest.mark.graph
@pytest.mark.slow
def test_the_conversion_rate_is_learned_over_all_rows():
    """Of the rows 3/4 are clicked, 1/2 go to the cart and 1/4 convert: 1/2 of those in the cart."""
    model = _model(optimizer=keras.optimizers.Adam(0.1))
    y = {"click": np.tile([1, 1, 1, 0], 4), "cart": np.tile([1, 1, 0, 0], 4), "conversion": np.tile([1, 0, 0, 0], 4)}
    model.fit(np.zeros((16, 2)), y, batch_size=16, epochs=60, verbose=0)
    probability = {name: float(p[0, 0]) for name, p in model(np.zeros((1, 2))).items()}
    assert probability["click"] == pytest.approx(0.75, abs=0.02)
    assert probability["conversion"] == pytest.approx(0.25, abs=0.02)
    rate = 1 / (1 + np.exp(-float(model.get_layer("conversion_linear").bias[0])))
    assert rate == pytest.approx(0.5, abs=0.03)


def test_partition():
    """The heads of the events before belong to what later outputs are made of."""
    partition = _tiny.train_partition(ESMM())
    tower = [f"shared_dense{i}_dense/{v}" for i in (1, 2) for v in ("bias", "kernel")]
    assert _tiny.paths(partition.shared) == sorted([*tower, "a_linear/bias", "a_linear/kernel"])
    assert _tiny.paths(partition.own["a"]) == []
    assert _tiny.paths(partition.own["b"]) == ["b_linear/bias", "b_linear/kernel"]


@pytest.mark.parametrize("level", ["parameters", "features"])
def test_weightings_read_its_gradients(level):
    model = _model(weighting="pcgrad", level=level)
    x = np.random.default_rng(0).normal(size=(8, 2))
    before = model.get_weights()
    model.fit(x, {name: np.arange(8) % 2 for name in NAMES}, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert any(np.abs(new - old).max() > 1e-4 for new, old in zip(model.get_weights(), before, strict=True))


def test_needs_binary_tasks():
    with pytest.raises(
        ValueError, match=r'sharing="esmm" needs tasks that are yes or no.*\[\'digit\', \'marks\', \'ink\'\]'
    ):
        mtl.build_model(toy.SHAPE, toy.tasks(), sharing="esmm")
