"""ResNet."""

import keras
import numpy as np
import pytest

from mtl_keras.towers import ResNet
from tests.unit.towers._build import build, num_trainable


@pytest.mark.parametrize("depth", [20, 32])
def test_parameter_count(depth):
    n = (depth - 2) // 6
    # 3x3 kernels of the stem and of three groups of 2n layers; gamma and beta of every filter
    kernels = 9 * (3 * 16 + 2 * n * 16**2 + 16 * 32 + (2 * n - 1) * 32**2 + 32 * 64 + (2 * n - 1) * 64**2)
    norms = 2 * (16 + 2 * n * (16 + 32 + 64))
    count = num_trainable(build(ResNet(depth=depth), (32, 32, 3)))
    assert count == kernels + norms
    # with a head of 10 classes, Table 6 of the paper: 0.27M and 0.46M
    assert round((count + 650) / 1e6, 2) == {20: 0.27, 32: 0.46}[depth]


def test_sizes_of_the_paper():
    model = build(ResNet(depth=8), (32, 32, 3))
    sizes = [model.get_layer(f"shared_group{i}_block1_add").output.shape[1:] for i in (1, 2, 3)]
    assert sizes == [(32, 32, 16), (16, 16, 32), (8, 8, 64)]
    assert model.output["shared"].shape == (None, 64)


def test_shortcut_is_every_second_pixel_and_zeros():
    model = build(ResNet(depth=8, width=2), (4, 4, 2))
    block = "shared_group2_block1"
    x = model.get_layer(f"{block}_subsample").input
    shortcut = keras.Model(x, model.get_layer(f"{block}_zeros").output)
    value = np.random.default_rng(0).normal(size=(1, 4, 4, 2)).astype("float32")
    expected = np.concatenate([value[:, ::2, ::2], np.zeros((1, 2, 2, 2))], axis=-1)
    np.testing.assert_array_equal(shortcut(value), expected)


def test_weight_decay_has_the_gradient_of_the_paper():
    model = build(ResNet(depth=8, width=2, weight_decay=0.1), (4, 4, 1))
    kernels = [w for w in model.trainable_weights if w.path.endswith("kernel")]
    expected = sum(0.05 * np.sum(np.square(kernel.numpy())) for kernel in kernels)
    np.testing.assert_allclose(sum(float(loss) for loss in model.losses), expected, rtol=1e-5)
    assert not build(ResNet(depth=8, width=2), (4, 4, 1)).losses


@pytest.mark.parametrize("depth", [2, 18, 51])
def test_bad_depth(depth):
    with pytest.raises(ValueError, match=rf"`depth` must be 6n \+ 2.*Received: depth={depth}. Use 8, 14, 20"):
        ResNet(depth=depth)


@pytest.mark.parametrize("argument", ["depth", "width"])
def test_bad_counts(argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be an integer of at least 1"):
        ResNet(**{argument: 0.5})


def test_bad_weight_decay():
    with pytest.raises(
        ValueError, match=r"`weight_decay` must be a finite number of at least 0. Received: weight_decay=-1"
    ):
        ResNet(weight_decay=-1)
