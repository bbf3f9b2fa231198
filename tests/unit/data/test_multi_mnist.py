"""Two images on one canvas."""

import numpy as np
import pytest
import tensorflow_datasets

from mtl_keras.data import from_arrays, multi_mnist


def corners(num_images):
    """2x2 images whose pixels say which image and which corner they are of."""
    return np.arange(1, 4 * num_images + 1, dtype="uint8").reshape(num_images, 2, 2)


def test_one_image_by_hand():
    x, y = multi_mnist([[[1, 2], [3, 4]]], [7], canvas=3)  # its own partner
    np.testing.assert_array_equal(x[0, ..., 0], [[1, 2, 0], [3, 4, 2], [0, 3, 4]])
    assert (y["left"], y["right"]) == ([7], [7])


def test_the_larger_pixel_of_the_overlap_counts():
    bright = np.array([[[1, 9], [9, 1]], [[5, 2], [2, 2]]], "uint8")
    x, y = multi_mnist(bright, [0, 1], canvas=3)
    middle = {(0, 0): 1, (1, 1): 5, (0, 1): 5, (1, 0): 2}  # by (left, right): max(left[1, 1], right[0, 0])
    assert x[:, 1, 1, 0].tolist() == [middle[pair] for pair in zip(y["left"], y["right"], strict=True)]


@pytest.mark.parametrize("canvas", [4, 5])
def test_corners_without_an_overlap(canvas):
    images = corners(6)
    x, y = multi_mnist(images, np.arange(6), canvas=canvas)
    assert x.shape == (6, canvas, canvas, 1)
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x[:, :2, :2, 0], images[y["left"]])
    np.testing.assert_array_equal(x[:, -2:, -2:, 0], images[y["right"]])
    assert x.sum() == 2 * images.sum()  # each image is there twice, and nothing else


def test_channels_dtype_and_a_side_of_its_own():
    images = np.arange(24, dtype="float64").reshape(2, 2, 3, 2) / 24
    labels = np.array([["a", "b"], ["c", "d"]])
    x, y = multi_mnist(images, labels, canvas=6)
    assert x.dtype == np.float64
    np.testing.assert_array_equal(x[:, :2, :3], images)
    np.testing.assert_array_equal(y["left"], labels)
    right = [int(row[0] == "c") for row in y["right"]]
    np.testing.assert_array_equal(x[:, 4:, 3:], images[right])
    np.testing.assert_array_equal(y["right"], labels[right])


def test_partners_are_a_permutation_of_the_seed():
    partners = [multi_mnist(corners(20), np.arange(20), canvas=4, seed=seed)[1]["right"].tolist() for seed in (0, 0, 1)]
    assert sorted(partners[0]) == sorted(partners[2]) == list(range(20))
    assert partners[0] == partners[1] != partners[2]
    assert partners[0] != list(range(20))


def test_goes_into_batches():
    dataset = from_arrays(*multi_mnist(corners(3), [4, 5, 6], canvas=3), batch_size=2)
    x, y = next(dataset.as_numpy_iterator())
    assert x.shape == (2, 3, 3, 1)
    assert y["left"].tolist() == [4, 5]


def test_a_named_data_set(tmp_path):
    with tensorflow_datasets.testing.mock_data(num_examples=5):
        x, y = multi_mnist("mnist", split="test", data_dir=tmp_path)
        cifar, _ = multi_mnist("cifar10", canvas=40, data_dir=tmp_path)
    assert (x.shape, x.dtype, cifar.shape) == ((5, 36, 36, 1), np.uint8, (5, 40, 40, 3))
    assert sorted(y["left"]) == sorted(y["right"])


def test_prepared_mnist():
    if not tensorflow_datasets.builder("mnist").is_prepared():
        pytest.skip("mnist is not prepared on this machine")
    x, y = multi_mnist("mnist", split="test[:50]", download=False)
    images, labels = tensorflow_datasets.load("mnist", split="test[:50]", as_supervised=True, batch_size=-1)
    np.testing.assert_array_equal(x[:, :8, :28], images[:, :8])
    np.testing.assert_array_equal(y["left"], labels)


@pytest.mark.parametrize(
    ("images", "labels", "options", "message"),
    [
        (np.ones((2, 2)), [0, 1], {}, r"`images` must be .*\[N, H, W\].*Received: float64 of shape \(2, 2\)"),
        (np.ones((0, 2, 2)), [], {}, r"`images` must be .*Received: float64 of shape \(0, 2, 2\)"),
        (np.full((2, 2, 2), "a"), [0, 1], {}, r"`images` must be numbers .*Received: <U1"),
        (-np.ones((2, 2, 2)), [0, 1], {}, r"`images` must not be negative.*Received: a smallest pixel of -1.0"),
        (np.ones((2, 2, 2)), [0, 1, 2], {}, r"`labels` must have one row per image, 2 .*Received: .*\(3,\)"),
        (np.ones((2, 2, 2)), None, {}, r"`labels` must have one row per image, 2 .*Received: .*\(\)"),
        (
            np.ones((2, 2, 3)),
            [0, 1],
            {"canvas": 3},
            r"`canvas` must be .*of at least 4.*Received: canvas=3\..* 2x3. Use canvas=11",
        ),
        (np.ones((2, 2, 2)), [0, 1], {"canvas": 3.5}, r"`canvas` must be an integer .*Received: canvas=3.5"),
        (np.ones((2, 2, 2)), [0, 1], {"canvas": True}, r"`canvas` must be an integer .*Received: canvas=True"),
        (np.ones((2, 2, 2)), [0, 1], {"seed": -1}, r"`seed` must be .*Received: seed=-1"),
        ("mnist", [0, 1], {}, r"`labels` must be None .*Received: images='mnist' and labels of shape \(2,\)"),
    ],
)
def test_says_what_is_wrong(images, labels, options, message):
    with pytest.raises(ValueError, match=message):
        multi_mnist(images, labels, **options)
