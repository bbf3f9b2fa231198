"""Conv."""

import dataclasses

import keras
import numpy as np
import pytest

from mtl_keras.towers import Conv, ResNet, ResNetImageNet
from tests.unit.towers._build import build, num_trainable


def test_parameter_count():
    # kernels 9·3·32, 9·32·64, 9·64·128, without bias; gamma and beta of each filter
    assert num_trainable(build(Conv(), (32, 32, 3))) == 864 + 18432 + 73728 + 2 * (32 + 64 + 128)


def test_parameter_count_without_batch_norm():
    # 1·1·2·4 + 4, 1·1·4·4 + 4
    tower = Conv(filters=(4,), convs_per_stage=2, kernel_size=1, batch_norm=False)
    assert num_trainable(build(tower, (8, 8, 2))) == 12 + 20


def test_stages_halve_the_image_and_end_in_a_vector():
    model = build(Conv(filters=(2, 3, 4)), (8, 6, 1))
    sizes = [model.get_layer(f"shared_conv{i}_pool").output.shape[1:] for i in (1, 2, 3)]
    assert sizes == [(4, 3, 2), (2, 1, 3), (4,)]


@pytest.mark.parametrize(
    ("tower", "shape"),
    [
        (Conv(filters=(2, 3, 4), keep_map=True), (2, 1, 4)),
        (ResNet(depth=8, width=2, keep_map=True), (2, 2, 8)),
        (ResNetImageNet(depth=18, width=1, small_stem=True, keep_map=True), (1, 1, 8)),
    ],
)
def test_a_map_that_is_kept(tower, shape):
    """8x6 pixels, halved twice, or three times and rounded up; the average over it is what the tower gives else."""
    keras.utils.set_random_seed(0)
    model = build(tower, (8, 6, 1))
    keras.utils.set_random_seed(0)
    pooled = build(dataclasses.replace(tower, keep_map=False), (8, 6, 1))
    x = np.random.default_rng(0).normal(size=(3, 8, 6, 1)).astype("float32")
    assert model.output["shared"].shape[1:] == shape
    np.testing.assert_allclose(np.mean(model(x)["shared"], axis=(1, 2)), pooled(x)["shared"], atol=1e-6)


@pytest.mark.parametrize("argument", ["convs_per_stage", "kernel_size"])
def test_bad_counts(argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be an integer of at least 1. Received: {argument}=0"):
        Conv(**{argument: 0})


def test_bad_filters():
    with pytest.raises(ValueError, match=r"`filters` must be a tuple of integers of at least 1"):
        Conv(filters=32)
