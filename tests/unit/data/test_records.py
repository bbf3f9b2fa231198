"""Record files: what is written comes back, in two levels of shuffling, from any step, and wrong files are errors."""

import itertools
import json

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import from_arrays, from_records, write_records
from tests.helpers.epochs import rest_of_epoch

ROWS, BATCH = 60, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The rows 0 to 59 in seven files."""
    rows = np.arange(ROWS)
    data = from_arrays(rows, {"half": rows / 2, "odd": rows % 2}, 32)
    return write_records(data, tmp_path_factory.mktemp("records") / "new" / "rows", shards=7)


def rows_of(dataset):
    return [batch[0].tolist() for batch in dataset.as_numpy_iterator()]


def joined(batches):
    return list(itertools.chain(*batches))


def test_a_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    x = {
        "image": rng.integers(0, 256, (10, 4, 3, 1)).astype("uint8"),
        "bool": rng.random(10) < 0.5,
        "bools": rng.random((10, 3)) < 0.5,
        "double": tf.constant(rng.normal(size=10)),
        "half": rng.normal(size=(10, 2)).astype("float16"),
        "long": rng.integers(-(2**62), 2**62, 10),
        "unsigned": np.array([2**64 - 1] * 10, "uint64"),
        "text": np.array([b"a\0", "é".encode(), *[b""] * 8], object),
        "texts": np.array([["a", "bc"]] * 10),
    }
    y = {"kind": np.array([3, -1, 2, -1, 0] * 2), "marks": np.where(rng.random((10, 3)) < 0.5, np.nan, 1.0)}
    data = from_arrays(x, y, 4)
    write_records(data, tmp_path / "r", shards=1)
    back = from_records(tmp_path / "r", 4)
    assert back.element_spec == data.element_spec
    for one, other in zip(data, back, strict=True):
        for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_rows_of_several_lengths_and_weights_for_all(tmp_path):
    def batches():
        yield np.array([[1, 2], [3, 0]], "int32"), {"tag": np.array([[1, 1], [1, 0]])}, np.array([1.0, 2.0], "float32")
        yield np.array([[4, 5, 6]], "int32"), {"tag": np.array([[1, 2, 3]])}, np.array([3.0], "float32")

    spec = (
        tf.TensorSpec([None, None], tf.int32),
        {"tag": tf.TensorSpec([None, None], tf.int64)},
        tf.TensorSpec([None], tf.float32),
    )
    write_records(tf.data.Dataset.from_generator(batches, output_signature=spec), tmp_path / "r", shards=1)
    back = from_records(tmp_path / "r", 3)
    assert tuple(back.element_spec[0].shape) == (None, None)
    ((x, y, weight),) = back.as_numpy_iterator()
    np.testing.assert_array_equal(x, [[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    np.testing.assert_array_equal(y["tag"], [[1, 1, 0], [1, 0, 0], [1, 2, 3]])
    np.testing.assert_array_equal(weight, [1, 2, 3])


def test_files_in_order(folder):
    dataset = from_records(folder, 16, drop_remainder=True, weights="always")
    batches = list(dataset.as_numpy_iterator())
    assert joined(x for x, _, _ in batches) == joined(range(i, ROWS, 7) for i in range(7))[:48]
    assert int(dataset.cardinality()) == 3
    assert (dataset.facts.num_rows, dataset.facts.batch_size) == (48, 16)
    assert dataset.element_spec[0].shape == (16,)
    for x, y, weight in batches:
        np.testing.assert_array_equal(y["half"], x / 2)
        np.testing.assert_array_equal(weight["half"], 1)


def test_shuffled_in_two_levels_and_started_anywhere(folder):
    dataset = from_records(folder, BATCH, shuffle=True, seed=-3, shuffle_rows=11)
    one, two = rows_of(dataset), rows_of(dataset)
    assert sorted(joined(one)) == sorted(joined(two)) == list(range(ROWS))
    assert one != two
    for window in np.split(np.array(joined(one)), ROWS // 12):
        assert len(set(window % 7)) <= 3  # of several files, yet not of all
        assert window.tolist() != sorted(window)
    for epoch, step in ((1, 0), (1, 7), (0, 9), (0, 15)):
        assert rows_of(rest_of_epoch(dataset, epoch, step)) == (one, two)[epoch][step:]
    assert rows_of(dataset.repeat().take(20)) == [*one, *two[:5]]


@pytest.mark.slow
def test_a_seed_is_all_that_the_order_depends_on(folder):
    orders = {}
    for seed in (1, 2):
        tf.random.set_seed(seed)
        orders[seed] = rows_of(from_records(folder, BATCH, shuffle=True, seed=5))
    assert orders[1] == orders[2]
    assert rows_of(from_records(folder, BATCH, shuffle=True, seed=6)) != orders[1]
    run, place = from_records(folder, BATCH).placed(shuffle_seed=5)
    place.epoch = 0
    assert rows_of(run) == orders[1]


def test_files_of_others_and_augmentation(tmp_path):
    for i in range(3):
        with tf.io.TFRecordWriter(str(tmp_path / f"{i}.tfrecord")) as writer:
            for row in range(i):
                feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[10 * i + row]))
                writer.write(tf.train.Example(features=tf.train.Features(feature={"id": feature})).SerializeToString())

    def parse(records):
        ids = tf.io.parse_example(records, {"id": tf.io.FixedLenFeature([], tf.int64)})["id"]
        return ids, {"last": ids % 10}

    dataset = from_records(tmp_path, 2, parse=parse, augment=lambda x, seed: -x)
    assert rows_of(dataset) == [[-10, -20], [-21]]
    cut = tmp_path / "2.tfrecord"
    cut.write_bytes(cut.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"2.tfrecord is cut off, or no TFRecord file"):
        from_records(tmp_path, parse=parse)
    with pytest.raises(ValueError, match=r"`files` must be files with records"):
        from_records(tmp_path / "0.tfrecord", parse=parse)


def spoil(folder, what):
    """Changes a copy of the files."""
    file, spec = folder / "00001-of-00007.tfrecord", folder / "records.json"
    if what == "cut":
        file.write_bytes(file.read_bytes()[:-5])
    elif what == "gone":
        file.unlink()
    elif what == "no spec":
        spec.unlink()
    elif what == "other spec":
        spec.write_text(json.dumps({"format": 7}))
    else:
        spec.write_text("{")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("cut", r"00001-of-00007.tfrecord must have .* bytes. Received: .*. It is cut off"),
        ("gone", r"00001-of-00007.tfrecord does not exist, but .*records.json names it"),
        ("no spec", r"there must be the file 'records.json', which `write_records` writes"),
        ("other spec", r"records.json is not a file of `write_records`: ValueError\('format 7'\)"),
        ("no JSON", r"records.json is not a file of `write_records`"),
    ],
)
def test_wrong_files(what, message, folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spoil(tmp_path, what)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        from_records(tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: np.zeros(3), r"`dataset` must be a `tf.data.Dataset` of batches"),
        (lambda: tf.data.Dataset.range(3).batch(2).repeat(), r"`dataset` must be finite"),
        (lambda: tf.data.Dataset.range(3), r"`dataset` must have batches. Received: single examples"),
        (lambda: tf.data.Dataset.range(0).batch(2), r"`dataset` must have at least one row"),
        (lambda: tf.data.Dataset.range(3).map(tf.range).ragged_batch(2), r"`x` must be a tensor"),
        (
            lambda: tf.data.Dataset.range(3).map(lambda i: tf.zeros([2, i, i])),
            r"`x` must have rows that differ at most in their first axis",
        ),
    ],
)
def test_what_cannot_be_written(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_records(make(), tmp_path / "r")
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_what_fails(tmp_path):
    def batches():
        yield np.zeros(2)
        raise OSError("the source is gone")

    dataset = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec([None], tf.float64))
    with pytest.raises(tf.errors.OpError, match="the source is gone"):
        write_records(dataset, tmp_path / "r")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match=r"`folder` must not exist, or be empty"):
        write_records(tf.data.Dataset.range(3).batch(2), tmp_path)
