"""StackedDense."""

import keras
import numpy as np
import pytest

from mtl_keras.layers import StackedDense


@pytest.mark.parametrize("shape", [(2, 5), (2, 3, 5)])
def test_is_a_dense_layer_an_expert(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    stacked = StackedDense(3, 4, activation="tanh", bias_initializer="normal")
    outputs = stacked(x)
    for e in range(3):
        single = keras.layers.Dense(4, activation="tanh")
        single.build((2, 5))
        single.set_weights([stacked.kernel[e], stacked.bias[e]])
        np.testing.assert_allclose(outputs[:, e], single(x if len(shape) == 2 else x[:, e]), atol=1e-6)


@pytest.mark.parametrize("seed", [None, 1, "generator"])
def test_no_two_kernels_are_equal_at_the_start(seed):
    seed = keras.random.SeedGenerator(1) if seed == "generator" else seed
    layer = StackedDense(4, 8, kernel_initializer=keras.initializers.GlorotUniform(seed))
    layer.build((None, 6))
    kernels = layer.kernel.numpy()
    for i in range(4):
        for j in range(i):
            assert np.abs(kernels[i] - kernels[j]).max() > 0.01


@pytest.mark.parametrize(
    ("initializer", "std"),  # with n = 300 inputs and 100 units
    [
        ("glorot_uniform", (2 / (300 + 100)) ** 0.5),
        ("he_normal", (2 / 300) ** 0.5),
        ("lecun_normal", (1 / 300) ** 0.5),
    ],
)
def test_each_kernel_has_the_spread_of_a_single_layer(initializer, std):
    layer = StackedDense(8, 100, kernel_initializer=initializer)
    layer.build((None, 300))
    np.testing.assert_allclose(layer.kernel.numpy().std(axis=(1, 2)), std, rtol=0.03)


def test_the_variance_of_an_output_is_that_of_a_single_layer():
    x = np.random.default_rng(0).normal(size=(200, 300)).astype("float32")
    stacked = StackedDense(8, 200)(x).numpy().var(axis=(0, 2))  # [8]
    single = keras.layers.Dense(200)(x).numpy().var()
    np.testing.assert_allclose(stacked, single, rtol=0.05)
    np.testing.assert_allclose(single, 300 * 2 / (300 + 200), rtol=0.05)


def test_a_function_is_an_initializer():
    layer = StackedDense(2, 3, kernel_initializer=lambda shape, dtype: keras.ops.full(shape, len(shape), dtype))
    layer.build((None, 4))
    np.testing.assert_array_equal(layer.kernel, np.full((2, 4, 3), 2.0))


def test_the_regularizer_sees_all_kernels():
    layer = StackedDense(2, 3, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.5))
    layer.build((None, 4))
    assert float(layer.losses[0]) == 0.5 * 2 * 4 * 3


@pytest.mark.parametrize("shape", [(2,), (2, 4, 5), (2, 3, 4, 5)])
def test_another_shape_is_an_error(shape):
    with pytest.raises(ValueError, match=r"`x` must be of shape \[B, n\] or \[B, 3, n\]. Received: \[2"):
        StackedDense(3, 4)(np.ones(shape))


@pytest.mark.parametrize(("num_experts", "units", "name"), [(0, 4, "num_experts"), (3, 1.5, "units")])
def test_numbers_must_be_positive(num_experts, units, name):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least 1. Received: {name}="):
        StackedDense(num_experts, units)
