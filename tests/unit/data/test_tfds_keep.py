"""Which examples of a data set are used."""

import importlib
import types

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import data

LABELS = np.array([3, 0, 4, 1, 5])


@pytest.fixture(autouse=True)
def _prepared(monkeypatch):
    """A data set of five images, whose pixels are their labels."""
    examples = tf.data.Dataset.from_tensor_slices((np.tile(LABELS[:, None, None, None], (2, 2, 1)), LABELS))
    builder = types.SimpleNamespace(as_dataset=lambda **options: examples, info=types.SimpleNamespace(splits={}))
    package = types.SimpleNamespace(builder=lambda name, data_dir: builder)
    monkeypatch.setattr(importlib.import_module("mtl_keras.data._prepared"), "_import", lambda: package)


def read(keep):
    tasks = {"label": lambda image, label: label, "odd": lambda image, label: label % 2}
    ((images, labels),) = data.tfds("five", "train", tasks, keep=keep).as_numpy_iterator()
    return images[:, 0, 0, 0].tolist(), labels["label"].tolist(), labels["odd"].tolist()


def test_all_by_default():
    assert read(None) == ([3, 0, 4, 1, 5], [3, 0, 4, 1, 5], [1, 0, 0, 1, 1])


def test_those_for_which_keep_says_so():
    assert read(lambda image, label: label < 4) == ([3, 0, 1], [3, 0, 1], [1, 0, 1])


def test_none_left_is_an_error():
    with pytest.raises(ValueError, match="of which `keep` leaves none"):
        read(lambda image, label: label > 9)
