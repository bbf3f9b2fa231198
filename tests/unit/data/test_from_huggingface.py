"""Batches from data sets of Hugging Face: their features, without a copy, and their errors."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import from_huggingface
from tests.helpers.epochs import rest_of_epoch

hf = pytest.importorskip("datasets")


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    hf.disable_progress_bars()


def images(*pixels):
    return [{"bytes": tf.io.encode_png(np.full((4, 3, 1), value, "uint8")).numpy(), "path": None} for value in pixels]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_features(tmp_path):
    features = hf.Features(
        {
            "image": hf.Image(),
            "text": hf.Value("string"),
            "matrix": hf.Array2D((2, 1), "int32"),
            "ids": hf.Sequence(hf.Value("int64")),
            "kind": hf.ClassLabel(names=["a", "b"]),
            "score": hf.Value("float64"),
        }
    )
    made = hf.Dataset.from_dict(
        {
            "image": images(7, 8, 9),
            "text": ["u", None, "w"],
            "matrix": [[[1], [2]], [[3], [4]], [[5], [6]]],
            "ids": [[1, 2], [], [3]],
            "kind": [0, -1, 1],
            "score": [0.5, None, 1.5],
        },
        features=features,
    )
    made.save_to_disk(tmp_path / "set")
    dataset = hf.load_from_disk(tmp_path / "set")
    ((x, y, weight),) = from_huggingface(dataset, ["image", "text", "matrix", "ids"], ["kind", "score"])
    np.testing.assert_array_equal(x["image"], np.array([7, 8, 9], "uint8")[:, None, None, None] + np.zeros((4, 3, 1)))
    assert x["image"].dtype == tf.uint8
    np.testing.assert_array_equal(x["text"], [b"u", b"", b"w"])
    np.testing.assert_array_equal(x["matrix"], [[[1], [2]], [[3], [4]], [[5], [6]]])
    np.testing.assert_array_equal(x["ids"], [[1, 2], [0, 0], [3, 0]])
    np.testing.assert_array_equal(y["kind"], [0, 0, 1])
    np.testing.assert_array_equal(weight["kind"], [1, 0, 1])
    np.testing.assert_array_equal(y["score"], [0.5, 0, 1.5])
    np.testing.assert_array_equal(weight["score"], [1, 0, 1])


def test_shuffled_and_started_anywhere_in_a_selection():
    made = hf.Dataset.from_dict({"row": np.arange(5000), "odd": np.arange(5000) % 2}).select(range(10, 4000))
    dataset = from_huggingface(made, "row", ["odd"], 64, shuffle=True, shuffle_rows=512)
    assert len(dataset.element_spec) == 2  # no label is missing
    one, two = ([x.tolist() for x, _ in dataset.as_numpy_iterator()] for _ in range(2))
    assert one != two
    assert sorted(np.concatenate(one)) == sorted(np.concatenate(two)) == list(range(10, 4000))
    assert [x.tolist() for x, _ in rest_of_epoch(dataset, 1, 50).as_numpy_iterator()] == two[50:]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"train": 1, "test": 2}, r"`dataset` must be a `datasets.Dataset`.*Choose a split: train, test"),
        (hf.Dataset.from_dict({"x": [], "y": []}), r"`dataset` must have rows"),
        (hf.Dataset.from_dict({"y": [1]}), r"`x` must name columns of the data set, which are \['y'\]. Received: 'x'"),
        (hf.Dataset.from_dict({"x": [{"a": 1}], "y": [1]}), r"the data set: the column 'x' must hold numbers.*struct"),
    ],
)
def test_wrong(dataset, message):
    with pytest.raises(ValueError, match=message):
        from_huggingface(dataset, "x", ["y"])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"bytes": b"no image", "path": None}, r"the column 'x' must hold images that TensorFlow decodes"),
        ({"bytes": None, "path": "a.png"}, r"the column 'x' must hold images. Received: a path, or null"),
    ],
)
def test_wrong_images(image, message):
    made = hf.Dataset.from_dict({"x": [image]}, features=hf.Features({"x": hf.Image()}))
    with pytest.raises(ValueError, match=message):
        from_huggingface(made)


@pytest.mark.slow
def test_images_of_several_sizes():
    other = {"bytes": tf.io.encode_png(np.zeros((5, 3, 1), "uint8")).numpy(), "path": None}
    made = hf.Dataset.from_dict({"x": [*images(1), other]}, features=hf.Features({"x": hf.Image()}))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"The column `x` must hold images of one size"):
        list(from_huggingface(made))
