"""Batches from TensorFlow Datasets."""

import builtins
import importlib
import socket
import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets

from mtl_keras.data import tfds


def label(image, label):
    return label


def odd(image, label):
    return label % 2


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*arguments, **keywords):
        raise OSError("no network")

    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.setattr(socket, "create_connection", refuse)


def test_batches(tmp_path):
    with tensorflow_datasets.testing.mock_data(num_examples=10):
        dataset = tfds("mnist", "train", {"digit": label, "odd": odd}, 4, data_dir=tmp_path)
    batches = list(dataset.as_numpy_iterator())
    assert int(dataset.cardinality()) == len(batches) == 3
    for x, y in batches:
        assert x.dtype == np.uint8
        assert x.shape[1:] == (28, 28, 1)
        np.testing.assert_array_equal(y["odd"], y["digit"] % 2)


def test_missing_labels_shuffle_and_augment(tmp_path):
    def sometimes(image, label):
        return tf.where(label < 5, label, -1)

    with tensorflow_datasets.testing.mock_data(num_examples=40):
        dataset = tfds(
            "cifar10",
            "test",
            {"t": sometimes, "digit": label},
            40,
            shuffle=True,
            augment=lambda x, seed: tf.zeros_like(x),
            data_dir=tmp_path,
        )
    one, two = (next(dataset.as_numpy_iterator()) for _ in range(2))
    x, y, weights = one
    assert x.max() == 0
    np.testing.assert_array_equal(weights["t"], y["digit"] < 5)
    assert (y["digit"] != two[1]["digit"]).any()


def test_prepared_mnist():
    if not tensorflow_datasets.builder("mnist").is_prepared():
        pytest.skip("mnist is not prepared on this machine")
    dataset = tfds("mnist", "test[:100]", {"digit": label}, 50, download=False)
    digits = np.concatenate([y["digit"] for _, y in dataset.as_numpy_iterator()])
    assert digits.shape == (100,)
    assert len(np.unique(digits)) == 10
    with pytest.raises(ValueError, match=r"one of \['test', 'train'\].*Received: split='tset'"):
        tfds("mnist", "tset", {"digit": label})


def test_not_prepared(tmp_path, no_network):
    with pytest.raises(FileNotFoundError, match=r"is not prepared in .*no network.*data_dir"):
        tfds("mnist", "test", {"digit": label}, data_dir=tmp_path)
    with pytest.raises(FileNotFoundError, match=r"is not prepared in .*`download=False` forbids"):
        tfds("mnist", "test", {"digit": label}, data_dir=tmp_path, download=False)


def test_weights_always(tmp_path):
    with tensorflow_datasets.testing.mock_data(num_examples=4):
        dataset = tfds("mnist", "train", {"digit": label}, 4, data_dir=tmp_path, weights="always")
    _, _, weights = next(dataset.as_numpy_iterator())
    np.testing.assert_array_equal(weights["digit"], 1)


@pytest.mark.parametrize("split", ["train", "test[:10%]"])
def test_several_labels(split, tmp_path):
    """CelebA has forty attributes and landmarks; no split of it has one label."""
    with (
        tensorflow_datasets.testing.mock_data(num_examples=4),
        pytest.raises(
            ValueError, match=r"`name` must be a data set with one image and one label.*'celeb_a'.*from_arrays"
        ),
    ):
        tfds("celeb_a", split, {"digit": label}, data_dir=tmp_path)


@pytest.mark.parametrize(
    "element",
    [
        (np.zeros((2, 2)), {"a": 1, "b": 2}),  # a dict of labels
        (np.zeros((2, 2)), 1, 1.0),  # a weight
        ({"left": np.zeros((2, 2)), "right": np.zeros((2, 2))}, 1),
    ],
)
def test_a_supervised_set_that_has_more_than_a_label(element, monkeypatch):
    examples = tf.data.Dataset.from_tensors(element)
    builder = types.SimpleNamespace(as_dataset=lambda **options: examples)
    package = types.SimpleNamespace(builder=lambda name, data_dir: builder)
    monkeypatch.setattr(importlib.import_module("mtl_keras.data._prepared"), "_import", lambda: package)
    with pytest.raises(ValueError, match=r"`name` must be a data set with one image and one label. Received: 'five'"):
        tfds("five", "train", {"digit": label})


@pytest.mark.parametrize("tasks", [{}, {"digit": 3}, label])
def test_tasks_must_be_functions(tasks):
    with pytest.raises(ValueError, match=r"`tasks` must be a dict \{task: function of \(image, label\)\}"):
        tfds("mnist", "test", tasks)


@pytest.mark.parametrize("module", ["tensorflow_datasets", "importlib_resources"])
def test_names_the_extra(monkeypatch, module):
    def refuse(name, *arguments, _import=builtins.__import__, **keywords):
        if name == module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return _import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=rf'{module}. Run: pip install "mtl_keras\[data\]"'):
        tfds("mnist", "test", {"digit": label})
