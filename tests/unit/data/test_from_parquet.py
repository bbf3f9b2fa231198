"""Batches from Parquet files: what columns become, orders, resumed runs, missing labels, and wrong files."""

import itertools

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from mtl_keras.data import from_arrays, from_parquet
from mtl_keras.data._parquet import parquet_source
from mtl_keras.data._table_source import columns_of, may_lack_labels
from tests.helpers.epochs import rest_of_epoch

ROWS, BATCH, WINDOW = 60, 4, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three files with the rows 0 to 59 in row groups of 7, and one without rows."""
    folder = tmp_path_factory.mktemp("table")
    for i, rows in enumerate(np.split(np.arange(ROWS), [20, 45])):
        table = pa.table({"row": rows, "double": rows * 2.0, "odd": rows % 2})
        pq.write_table(table, folder / f"part-{i}.parquet", row_group_size=7)
    pq.write_table(table.slice(0, 0), folder / "empty.parquet")
    return folder


def rows_of(dataset):
    return [batch.tolist() for batch in dataset.as_numpy_iterator()]


def joined(batches):
    return list(itertools.chain(*batches))


def write(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def only_batch(path, x, y=None, **options):
    (batch,) = from_parquet(path, x, y, **options)
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), batch)


def test_inputs_by_type(tmp_path):
    columns = {
        "int": pa.array([1, 2, 3], "int32"),
        "int with null": [1, None, 3],
        "double": [0.5, None, 2.5],
        "half": pa.array([1, 2, 3], "float16"),
        "bool": [True, False, True],
        "money": pa.array([1, 2, None], pa.decimal128(9, 2)),
        "text": ["a", None, "c\0"],
        "category": pa.array(["u", "v", "u"]).dictionary_encode(),
        "code": pa.array([7, 8, 7]).dictionary_encode(),
        "blob": [b"x", b"", b"\xff"],
        "fixed": pa.array([[1.0, 2.0], [3.0, 4.0], None], pa.list_(pa.float32(), 2)),
        "even": [[[1], [2]], [[3], [4]], [[5], [6]]],
        "ids": [[1, 2], [], [3]],
        "cut": [[1, 2, 3], None, [4]],
    }
    x = only_batch(write(tmp_path / "t.parquet", **columns), list(columns), lengths={"cut": 2})
    expected = {
        "int": np.array([1, 2, 3], "int32"),
        "int with null": np.array([1, np.nan, 3], "float32"),
        "double": np.array([0.5, np.nan, 2.5], "float32"),
        "half": np.array([1, 2, 3], "float16"),
        "bool": np.array([True, False, True]),
        "money": np.array([1, 2, np.nan], "float32"),
        "text": np.array([b"a", b"", b"c\0"], object),
        "category": np.array([b"u", b"v", b"u"], object),
        "code": np.array([7, 8, 7]),
        "blob": np.array([b"x", b"", b"\xff"], object),
        "fixed": np.array([[1, 2], [3, 4], [np.nan, np.nan]], "float32"),
        "even": np.array([[[1], [2]], [[3], [4]], [[5], [6]]]),
        "ids": np.array([[1, 2], [0, 0], [3, 0]]),
        "cut": np.array([[1, 2], [0, 0], [4, 0]]),
    }
    assert list(x) == list(expected)
    for name, values in expected.items():
        assert x[name].dtype == values.dtype, name
        np.testing.assert_array_equal(x[name], values, err_msg=name)


def test_missing_labels(tmp_path):
    path = write(
        tmp_path / "t.parquet",
        x=[1, 2, 3],
        kind=[5, None, -1],
        sure=[True, False, None],
        price=[1.5, np.nan, None],
        marks=[[1, 0], None, [None, 1]],
        scores=[[1.0, None], [2.0, 3.0], None],
        tags=[[1, 2, 3], [4], []],
        importance=[2.0, 3.0, 4.0],
    )
    tasks = ["kind", "sure", "price", "marks", "scores", "tags"]
    x, y, weight = only_batch(path, "x", tasks, sample_weight="importance")
    np.testing.assert_array_equal(x, [1, 2, 3])
    expected = {
        "kind": ([5, 0, 0], [2, 0, 0]),
        "sure": ([1, 0, 0], [2, 3, 0]),
        "price": ([1.5, 0, 0], [2, 0, 0]),
        "marks": ([[1, 0], [0, 0], [0, 1]], [[2, 2], [0, 0], [0, 4]]),
        "scores": ([[1, 0], [2, 3], [0, 0]], [[2, 0], [3, 3], [0, 0]]),
        "tags": ([[1, 2, 3], [4, 0, 0], [0, 0, 0]], [[2, 2, 2], [3, 0, 0], [0, 0, 0]]),
    }
    for task, (label, weights) in expected.items():
        np.testing.assert_array_equal(y[task], label, err_msg=task)
        np.testing.assert_array_equal(weight[task], weights, err_msg=task)
    assert {task: str(label.dtype) for task, label in y.items()} == {
        **dict.fromkeys(("kind", "marks", "tags"), "int64"),
        **dict.fromkeys(("price", "scores"), "float32"),
        "sure": "int32",
    }


def may_lack(path, y, missing="auto"):
    source = parquet_source([path], "x", y, None)
    return may_lack_labels(source, columns_of(source, {}).y, missing)


def test_weights_only_where_a_label_may_be_missing(tmp_path):
    path = write(
        tmp_path / "t.parquet", x=[1, 2], sure=[0, 1], maybe=[0, -1], price=[1.0, 2.0], small=pa.array([0, 1], "uint8")
    )
    assert not may_lack(path, ["sure", "small"])
    assert len(from_parquet(path, "x", ["sure", "small"]).element_spec) == 2
    assert may_lack(path, ["maybe"])
    assert not may_lack(path, ["maybe"], missing=None)
    assert not may_lack(path, ["sure"], missing={"sure": 9})
    assert may_lack(path, ["sure"], missing=1)
    assert may_lack(path, ["price"])  # no statistics count NaN
    no_statistics = tmp_path / "u.parquet"
    pq.write_table(pa.table({"x": [1], "sure": [0]}), no_statistics, write_statistics=False)
    assert may_lack(no_statistics, ["sure"])


def test_files_in_order(folder):
    dataset = from_parquet(folder, "row", None, BATCH, shuffle_rows=WINDOW)
    assert joined(rows_of(dataset)) == list(range(ROWS))
    assert int(dataset.cardinality()) == ROWS // BATCH
    assert (dataset.facts.num_rows, dataset.facts.batch_size) == (ROWS, BATCH)
    second = from_parquet([str(folder / "part-2.parquet"), folder / "part-0*"], "row", None, 16, drop_remainder=True)
    assert rows_of(second) == [[*range(45, 60), 0], list(range(1, 17))]
    assert second.element_spec.shape == (16,)


def test_labels_and_inputs_by_name(folder):
    dataset = from_parquet(folder, None, {"parity": "odd"}, ROWS, weights="always")
    x, y, weight = next(iter(dataset))
    assert list(x) == ["row", "double"]
    np.testing.assert_array_equal(y["parity"], x["row"] % 2)
    np.testing.assert_array_equal(weight["parity"], 1)


def test_shuffled_in_two_levels(folder):
    dataset = from_parquet(folder, "row", None, BATCH, shuffle=True, seed=-3, shuffle_rows=WINDOW - 1)
    one, two = rows_of(dataset), rows_of(dataset)
    assert sorted(joined(one)) == sorted(joined(two)) == list(range(ROWS))
    assert one != two
    again = from_parquet(folder, "row", None, BATCH, shuffle=True, seed=-3, shuffle_rows=WINDOW)
    assert [rows_of(again), rows_of(again)] == [one, two]
    other = from_parquet(folder, "row", None, BATCH, shuffle=True, seed=4, shuffle_rows=WINDOW)
    assert rows_of(other) not in (one, two)
    starts = [0, 7, 14, 20, 27, 34, 41, 45, 52, 59]  # of the row groups
    for window in np.split(np.array(joined(one)), ROWS // WINDOW):
        assert len(set(np.searchsorted(starts, window, side="right"))) <= 4  # of several row groups, yet not of all
        assert window.tolist() != sorted(window)


@pytest.mark.parametrize("shuffle", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_starts_anywhere(folder, shuffle):
    dataset = from_parquet(folder, "row", None, BATCH, shuffle=shuffle, shuffle_rows=WINDOW)
    epochs = [rows_of(dataset) for _ in range(2)]
    for epoch, step in ((1, 7), (0, 3), (0, 15)):
        assert rows_of(rest_of_epoch(dataset, epoch, step)) == epochs[epoch][step:]
    assert rows_of(dataset.repeat().take(20)) == [*epochs[0], *epochs[1][:5]]


def test_reads_from_the_window_on_alone(folder, tmp_path):
    paths = [tmp_path / path.name for path in sorted(folder.glob("part-*"))]
    for path in paths:
        path.write_bytes((folder / path.name).read_bytes())
    dataset = from_parquet(paths, "row", None, BATCH, shuffle_rows=BATCH)
    run, place = dataset.placed(shuffle_seed=5)
    place.epoch = 0
    shuffled = joined(rows_of(run))  # by the seed of the run, for data that keep their order by themselves
    assert shuffled != list(range(ROWS))
    assert sorted(shuffled) == list(range(ROWS))
    paths[0].unlink()
    assert joined(rows_of(rest_of_epoch(dataset, 0, 5))) == list(range(20, ROWS))
    paths[1].write_bytes(paths[2].read_bytes())
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"part-1.parquet: there must be 7 rows.*Received: 1"):
        rows_of(rest_of_epoch(dataset, 0, 5))


def test_the_same_batches_as_from_arrays(tmp_path):
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=50), "b": rng.integers(0, 9, 50), "c": rng.integers(0, 9, 50).astype(str)}
    y = {"t": rng.integers(0, 2, 50), "u": np.where(rng.random(50) < 0.5, np.nan, 1.0)}
    path = write(tmp_path / "t.parquet", **x, **y)
    for ours, theirs in zip(from_parquet(path, list(x), list(y), 16), from_arrays(x, y, 16), strict=True):
        tf.nest.assert_same_structure(ours, theirs)
        for one, other in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_augment_has_the_seed_of_from_arrays(tmp_path):
    path = write(tmp_path / "t.parquet", x=[0.0] * 10)

    def noise(x, seed):
        return x + tf.random.stateless_uniform(tf.shape(x), seed)

    ours = from_parquet(path, "x", None, 4, seed=3, augment=noise, shuffle_rows=4)
    theirs = from_arrays(np.zeros(10), {"t": np.zeros(10)}, 4, seed=3, augment=noise)
    for _ in range(2):
        np.testing.assert_array_equal(joined(rows_of(ours)), joined(x for x, _ in theirs.as_numpy_iterator()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"files": "no.parquet"}, r"`files` must name files that exist. Received: 'no.parquet'"),
        ({"files": "*.csv"}, r"Received: '\*.csv'. No file has this name or matches this pattern"),
        ({"files": "nothing"}, r"The folder has no file named \*.parquet"),
        ({"files": 3}, r"`files` must be a path, a pattern, a folder, or a list of them"),
        (
            {"files": "none.parquet"},
            r"`files` must have rows. Received: 1 files without rows, the first is 'none.parquet'",
        ),
        ({"files": "cut.parquet"}, r"cut.parquet cannot be read: it is cut off"),
        ({"x": "agee"}, r"`x` must name columns of a.parquet, which are \['age'.*Received: 'agee'"),
        ({"y": ["rich", "no"]}, r"`y` must name columns of a.parquet.*Received: 'no'"),
        ({"sample_weight": "no"}, r"`sample_weight` must name columns of a.parquet.*Received: 'no'"),
        ({"sample_weight": {}}, r"`sample_weight` lacks the tasks \['rich'\]"),
        ({"x": []}, r"`x` must be a column or several"),
        ({"y": 3}, r"`y` must be a column, a list of columns, or \{task: column\}"),
        (
            {"files": ["a.parquet", "b.parquet"]},
            r"b.parquet: the column 'age' must be int64, as in a.parquet.*: double",
        ),
        ({"files": ["a.parquet", "c.parquet"]}, r"c.parquet: the column 'rich' is missing, but a.parquet has it"),
        ({"y": "job"}, r"a.parquet: the column 'job' must be numbers, because it is in `y`. Received: string"),
        ({"x": "day"}, r"a.parquet: the column 'day' must hold numbers.*Received: date32"),
        ({"x": "large"}, r"a.parquet: the column 'large' must have no null.*too large for float32"),
        ({"x": "uneven"}, r"a.parquet: the column 'uneven' must have lists of lists of one size"),
        ({"lengths": {"age": 3}}, r"`lengths` must name columns of lists, out of \[\]. Received: 'age'"),
        ({"missing": {"job": 3}}, r"`missing` has unknown keys \['job'\]"),
        ({"batch_size": 9, "drop_remainder": True}, r"There must be at least one batch. Received: 2 examples"),
        ({"shuffle_rows": 0}, r"`shuffle_rows` must be an integer of at least 1"),
        ({"augment": 3}, r"`augment` must be a function"),
        ({"weights": "no"}, r"`weights` must be one of"),
    ],
)
def test_wrong_when_made(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a = {"age": [1, 2], "job": ["a", "b"], "rich": [0, 1], "large": [None, 2**40], "uneven": [[[1]], [[2, 3]]]}
    write("a.parquet", **a, day=pa.array([1, 2], pa.date32()))
    write("b.parquet", age=[1.0], rich=[0])
    write("c.parquet", age=[1])
    write("none.parquet", age=pa.array([], "int64"), rich=pa.array([], "int64"))
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    (tmp_path / "nothing").mkdir()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        from_parquet(**{"files": "a.parquet", "x": "age", "y": "rich", **arguments})


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"x": [[1, 2]] * 1024 + [[3]]},
            {},
            r"t.parquet: the column 'x' must have lists of 2 values.*one of 1.*lengths",
        ),
        pytest.param(
            {"x": [[1, 2], [3, None]]}, {}, r"t.parquet: the column 'x' must have no null", marks=pytest.mark.slow
        ),
        pytest.param(
            {"x": [[1, 2], [None]]}, {}, r"t.parquet: the column 'x' must have no null", marks=pytest.mark.slow
        ),
        pytest.param({"x": [b"1", None]}, {}, r"t.parquet: the column 'x' must have no null", marks=pytest.mark.slow),
        pytest.param(
            {"x": [1, 2], "w": [1.0, None]},
            {"sample_weight": "w"},
            r"t.parquet: the column 'w' must have no null",
            marks=pytest.mark.slow,
        ),
        ({"x": [1, 2], "t": [-1, -5]}, {}, r"is an integer label with negative values other than -1"),
    ],
)
def test_wrong_in_the_rows(columns, options, message, tmp_path):
    path = write(tmp_path / "t.parquet", **{"t": [1] * len(columns["x"]), **columns})
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        list(from_parquet(path, "x", "t", **options))


def test_a_file_damaged_in_the_middle(tmp_path):
    path = write(tmp_path / "t.parquet", x=np.random.default_rng(0).normal(size=10_000))
    damaged = bytearray(path.read_bytes())
    damaged[4:4000] = bytes(3996)
    path.write_bytes(damaged)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"t.parquet cannot be read"):
        list(from_parquet(path, "x"))
