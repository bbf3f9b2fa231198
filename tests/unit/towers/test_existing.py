"""Existing."""

import keras
import numpy as np
import pytest

from mtl_keras.towers import Existing
from tests.unit.towers._build import build


def seeded_model():
    return keras.Sequential(
        [
            keras.layers.Dense(4, kernel_initializer=keras.initializers.GlorotUniform(seed=3)),
            keras.layers.Dropout(0.5, seed=3),
        ],
        name="backbone",
    )


def apply(model, x, times=2, **kwargs):
    stage = Existing(model, **kwargs).stages()["model"]
    return [stage(x, f"task{i}_model") for i in range(times)]


def layers_of(outputs, x):
    model = keras.Model(x, outputs)
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def test_first_copy_is_the_object():
    model, x = seeded_model(), keras.Input((3,))
    first, second, third = layers_of(apply(model, x, times=3), x)
    assert first is model
    assert [second.name, third.name] == ["task1_model", "task2_model"]


def test_each_application_of_the_recipe_begins_with_the_object():
    tower, x = Existing(keras.layers.Dense(2)), keras.Input((3,))
    for _ in range(2):
        (layer,) = layers_of([tower.stages()["model"](x, "shared_model")], x)
        assert layer is tower.model


def test_fixed_seeds_are_not_shared_by_the_copies():
    x = keras.Input((3,))
    first, second, third = layers_of(apply(seeded_model(), x, times=3), x)
    assert np.abs(first.get_weights()[0] - second.get_weights()[0]).max() > 1e-2
    assert np.abs(second.get_weights()[0] - third.get_weights()[0]).max() > 1e-2
    assert first.layers[1].seed == 3
    assert second.layers[1].seed is None


def test_copy_weights():
    model, x = seeded_model(), keras.Input((3,))
    model.build((None, 3))
    model.set_weights([np.full((3, 4), 2.0), np.full(4, 5.0)])
    _, copy = layers_of(apply(model, x, copy_weights=True), x)
    for a, b in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert copy is not model


def test_frozen_parts_stay_frozen():
    model, x = seeded_model(), keras.Input((3,))
    model.trainable = False
    _, copy = layers_of(apply(model, x), x)
    assert not copy.trainable_weights
    assert len(copy.weights) == 2


@pytest.mark.parametrize("as_dict", [True, False])
def test_several_named_inputs(as_dict):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    model = keras.Model({"a": a, "b": b} if as_dict else [a, b], keras.layers.Dense(1)(joined))
    model.set_weights([np.array([[1.0], [1.0], [10.0], [10.0], [10.0]]), np.zeros(1)])
    both = build(Existing(model, copy_weights=True), {"b": (3,), "a": (2,)}, copies=("one", "two"))
    for output in both({"a": np.ones((1, 2)), "b": np.ones((1, 3))}).values():
        np.testing.assert_allclose(output, [[32.0]])


@pytest.mark.parametrize("make", [seeded_model, lambda: keras.layers.Dense(4)])
def test_the_only_input_of_a_dict(make):
    assert build(Existing(make()), {"x": (3,)}).output["shared"].shape == (None, 4)


def test_an_input_named_seed_is_no_seed():
    seed = keras.Input((2,), name="seed")
    model = keras.Model({"seed": seed}, keras.layers.Dense(1)(seed))
    build(Existing(model), {"seed": (2,)}, copies=("one", "two"))


@pytest.mark.slow
def test_keras_application(tmp_path):
    backbone = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), alpha=0.35, weights=None, include_top=False, pooling="avg"
    )
    model = build(Existing(backbone), (32, 32, 3), copies=("one", "two"))
    one, two = (layer for layer in model.layers if isinstance(layer, keras.Model))
    assert one is backbone
    assert np.abs(one.get_weights()[0] - two.get_weights()[0]).max() > 1e-2
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for copy, output in model(x).items():
        np.testing.assert_array_equal(loaded(x)[copy], output)


class OwnLayer(keras.layers.Layer):
    """A layer that is not registered with Keras."""

    def call(self, x):
        return 2 * x


class Uncopyable(keras.layers.Layer):
    """A layer whose arguments are not in its configuration."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x


def test_own_layer():
    x = keras.Input((3,))
    assert [type(layer) for layer in layers_of(apply(OwnLayer(), x), x)] == [OwnLayer, OwnLayer]


def test_own_layer_inside_a_model_must_be_registered():
    with pytest.raises(ValueError, match=r"failed with TypeError.*register_keras_serializable"):
        apply(keras.Sequential([OwnLayer()]), keras.Input((3,)))


def test_uncopyable():
    (features,) = apply(Uncopyable(3), keras.Input((3,)), times=1)
    assert features.shape == (None, 3)
    with pytest.raises(ValueError, match=r"`model` must have a working `get_config` to be copied.*hard"):
        apply(Uncopyable(3), keras.Input((3,)))


@pytest.mark.parametrize("model", ["dense", keras.layers.Dense, None])
def test_bad_model(model):
    with pytest.raises(ValueError, match=r"`model` must be a keras.Model or a keras.layers.Layer. Received"):
        Existing(model)
