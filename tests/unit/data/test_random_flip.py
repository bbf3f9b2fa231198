"""Each image is flipped or not."""

import numpy as np
import pytest

from mtl_keras.data import random_flip


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_each_image_is_itself_or_its_mirror_image(dtype):
    images = np.arange(200 * 2 * 3).reshape(200, 2, 3, 1).astype(dtype)
    flipped = random_flip(images, [1, 2]).numpy()
    same = (flipped == images).all(axis=(1, 2, 3))
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert flipped.dtype == dtype
    assert (same ^ mirrored).all()
    assert 70 < mirrored.sum() < 130


def test_the_seed_decides():
    images = np.arange(50 * 2).reshape(50, 1, 2, 1)
    np.testing.assert_array_equal(random_flip(images, [1, 2]), random_flip(images, [1, 2]))
    assert (random_flip(images, [1, 2]).numpy() != random_flip(images, [1, 3]).numpy()).any()
