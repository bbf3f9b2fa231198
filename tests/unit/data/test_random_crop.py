"""Each image is shifted by up to `pad` pixels."""

import numpy as np
import pytest

from mtl_keras.data import from_arrays, random_crop, random_flip


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float16"])
def test_each_image_is_a_crop_of_the_padded_one(dtype):
    images = np.arange(1, 201).reshape(200, 1, 1, 1) % 100 + np.arange(12).reshape(1, 3, 2, 2) * 10
    images = images.astype(dtype)
    cropped = random_crop(images, [1, 2], pad=1).numpy()
    assert cropped.dtype == dtype
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    corners = [(row, column) for row in range(3) for column in range(3)]
    hits = np.array(
        [
            [(crop == pad[row : row + 3, column : column + 2]).all() for row, column in corners]
            for crop, pad in zip(cropped, padded, strict=True)
        ]
    )
    assert (hits.sum(axis=1) == 1).all()
    assert (hits.sum(axis=0) > 5).all()


def test_the_seed_decides():
    images = np.random.default_rng(0).random((20, 4, 4, 1))
    np.testing.assert_array_equal(random_crop(images, [1, 2]), random_crop(images, [1, 2]))
    assert (random_crop(images, [1, 2]).numpy() != random_crop(images, [1, 3]).numpy()).any()


def test_flip_and_crop_in_a_pipeline():
    images = np.random.default_rng(0).integers(0, 255, (6, 8, 8, 3), dtype="uint8")
    train = from_arrays(
        images, {"t": np.arange(6)}, 4, augment=lambda x, seed: random_crop(random_flip(x, seed), seed, pad=2)
    )
    assert train.element_spec[0].shape == (None, 8, 8, 3)
    one, two = (next(train.as_numpy_iterator())[0] for _ in range(2))
    assert one.dtype == np.uint8
    assert (one != two).any()


@pytest.mark.parametrize("pad", [-1, 1.5, True, "2"])
def test_a_pad_that_is_no_count(pad):
    with pytest.raises(ValueError, match=r"`pad` must be an integer of at least 0\. Received: pad="):
        random_crop(np.zeros((1, 4, 4, 1)), [1, 2], pad)


def test_a_numpy_pad():
    images = np.random.default_rng(0).random((20, 4, 4, 1))
    np.testing.assert_array_equal(random_crop(images, [1, 2], np.int64(2)), random_crop(images, [1, 2], 2))
