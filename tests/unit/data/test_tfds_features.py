"""Data sets of TensorFlow Datasets with any features, in memory and streamed."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets

from mtl_keras.data import tfds
from tests.helpers.epochs import rest_of_epoch

ROWS = 30


class Shapes(tensorflow_datasets.core.GeneratorBasedBuilder):
    """A small data set, made here."""

    VERSION = tensorflow_datasets.core.Version("1.0.0")

    def _info(self):
        features = tensorflow_datasets.features.FeaturesDict(
            {
                "image": tensorflow_datasets.features.Image(shape=(4, 4, 1)),
                "row": np.int64,
                "marks": {"odd": np.bool_, "third": np.int64},
                "ids": tensorflow_datasets.features.Sequence(np.int64),
            }
        )
        return self.dataset_info_from_configs(features=features, supervised_keys=("image", "row"))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i in range(ROWS):
            marks = {"odd": i % 2 == 1, "third": i % 3 - 1}
            yield i, {"image": np.full((4, 4, 1), i, "uint8"), "row": i, "marks": marks, "ids": list(range(i % 3))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    Shapes(data_dir=folder).download_and_prepare()
    return folder


TASKS = {"row": "row", "odd": lambda e: e["marks"]["odd"], "third": lambda e: e["marks"]["third"]}


def read(folder, split="train", tasks=TASKS, **options):
    return tfds("shapes", split, tasks, 8, data_dir=folder, **{"x": ["image", "row"], **options})


@pytest.mark.parametrize("limit", [pytest.param(2**30, marks=pytest.mark.slow), 0])
def test_features(folder, limit):
    dataset = read(folder, "train[5:25]", in_memory_limit=limit)
    batches = list(dataset.as_numpy_iterator())
    assert int(dataset.cardinality()) == len(batches) == 3
    rows = np.concatenate([x["row"] for x, *_ in batches])
    assert len(set(rows)) == 20
    for x, y, weight in batches:
        np.testing.assert_array_equal(x["image"][:, 0, 0, 0], x["row"])
        np.testing.assert_array_equal(y["row"], x["row"])
        np.testing.assert_array_equal(y["odd"], x["row"] % 2)
        assert y["odd"].dtype == np.int32
        np.testing.assert_array_equal(weight["third"], x["row"] % 3 != 0)


@pytest.mark.slow
def test_streamed_in_two_levels(folder):
    def label(image, label):
        return label

    dataset = read(folder, tasks={"row": label}, x=None, in_memory_limit=0, shuffle=True, shuffle_rows=16)
    one, two = ([y["row"].tolist() for _, y, _ in dataset.as_numpy_iterator()] for _ in range(2))
    assert one != two
    assert sorted(row for batch in one for row in batch) == list(range(ROWS))
    assert [y["row"].tolist() for _, y, _ in rest_of_epoch(dataset, 1, 3).as_numpy_iterator()] == two[3:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "picture"}, r"`x` must name features out of .*'image'.* Received: 'picture'"),
        ({"tasks": {"t": "no"}}, r"`tasks` must name features out of .* Received: 'no'"),
        ({"tasks": {"t": 3}}, r"`tasks` must be a dict \{task: feature, or function of the example\}"),
        ({"x": 3}, r"`x` must be a feature, a list of features, or a function"),
        ({"x": "ids", "in_memory_limit": 0}, r"Inputs and labels must be tensors of one size"),
        ({"keep": lambda e: True, "in_memory_limit": 0}, r"`keep` must be None for a data set above `in_memory_limit`"),
    ],
)
def test_wrong(folder, options, message):
    with pytest.raises(ValueError, match=message):
        read(folder, **options)


def test_a_function_of_the_example_and_keep(folder):
    (batch,) = read(
        folder, x=lambda e: tf.reduce_sum(e["ids"]), tasks={"row": "row"}, keep=lambda e: e["row"] < 5
    ).as_numpy_iterator()
    assert sorted(zip(batch[1]["row"].tolist(), batch[0].tolist(), strict=True)) == [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 0),
        (4, 0),
    ]
