"""What is trainable may change between `compile` and the first step, as in Keras."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy

WEIGHTINGS = [None, "pcgrad", "graddrop", "uncertainty", "gls", "modo"]


def model(weighting, **arguments):
    keras.utils.set_random_seed(0)
    built = mtl.build_model(
        (4,),
        [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())],
        tower=keras.Sequential([keras.layers.Dense(6, name="first"), keras.layers.Dense(5, name="second")]),
    )
    built.compile(keras.optimizers.Adam(0.01), weighting=weighting, **arguments)
    return built


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(8, 4)), {"a": rng.normal(size=8), "b": rng.integers(0, 2, 8)}


def inner(built, name):
    return next(layer for layer in built._flatten_layers() if layer.name == name)


CASES = [(weighting, "first", "fit") for weighting in WEIGHTINGS] + [
    ("pcgrad", "a", "fit"),
    ("uncertainty", "a", "train_on_batch"),
    ("pcgrad", "all shared", "fit"),
    ("gls", "all shared", "train_on_batch"),
]


@pytest.mark.parametrize(("weighting", "which", "way"), CASES)
def test_a_layer_that_is_frozen_after_compile_stays(weighting, which, way):
    built = model(weighting)
    names = ["first", "second"] if which == "all shared" else [which if which == "first" else "a_linear"]
    layers = [layer for layer in built._flatten_layers() if layer.name in names] or [built.get_layer("a")]
    for layer in layers:
        layer.trainable = False
    frozen = [v.numpy() for layer in layers for v in layer.weights]
    others = {id(v): v.numpy() for v in built.trainable_variables}
    assert frozen
    if way == "fit":
        built.fit(*data(), verbose=0)
    else:
        built.train_on_batch(*data())
    for v, old in zip([v for layer in layers for v in layer.weights], frozen, strict=True):
        np.testing.assert_array_equal(v, old)
    assert all(np.abs(v.numpy() - others[id(v)]).max() > 0 for v in built.trainable_variables if id(v) in others)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_layer_that_is_thawed_is_trained(weighting):
    built = model(None)
    layer = inner(built, "first")
    layer.trainable = False
    built.compile(keras.optimizers.SGD(0.1), weighting=weighting)
    layer.trainable = True
    before = layer.kernel.numpy()
    built.fit(*data(), verbose=0)
    assert np.abs(layer.kernel.numpy() - before).max() > 1e-4


@pytest.mark.parametrize("weighting", [None, "pcgrad", "uncertainty"])
@pytest.mark.parametrize("name", ["first", "a_linear"])
def test_lora(weighting, name):
    built = model(weighting)
    layer = inner(built, name) if name == "first" else built.get_layer("a_linear")
    kernel = layer._kernel.numpy()
    layer.enable_lora(2)
    before = layer.lora_kernel_b.numpy()
    built.fit(*data(), verbose=0)
    np.testing.assert_array_equal(layer._kernel.numpy(), kernel)
    assert np.abs(layer.lora_kernel_b.numpy() - before).max() > 0
    if name == "a_linear":  # its new variables are the task's own
        before = layer.lora_kernel_b.numpy()
        weights = {"a": np.zeros(8), "b": np.ones(8)}
        built.train_on_batch(*data(), sample_weight=weights)
        np.testing.assert_array_equal(layer.lora_kernel_b.numpy(), before)


def test_eagerly_it_may_change_between_two_fits():
    built = model("pcgrad", run_eagerly=True)
    built.fit(*data(), verbose=0)
    layer = inner(built, "first")
    layer.trainable = False
    before = layer.kernel.numpy()
    built.fit(*data(), verbose=0)
    np.testing.assert_array_equal(layer.kernel.numpy(), before)
    layer.trainable = True
    built.fit(*data(), verbose=0)
    assert np.abs(layer.kernel.numpy() - before).max() > 0


def test_a_state_of_the_old_size_is_an_error():
    built = model("moco")
    inner(built, "first").trainable = False
    with pytest.raises(ValueError, match="new weighting"):
        built.fit(*data(), verbose=0)


def test_nothing_is_compiled_anew_otherwise():
    built = toy.model(weighting="pcgrad")
    plan = built.plan
    built.fit(*toy.arrays(), verbose=0)
    assert built.plan is plan
