"""Batches from CSV files: rows and blocks, types, missing values, and wrong files."""

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtl_keras.data import _csv_rows, from_csv
from tests.helpers.epochs import rest_of_epoch


def write(path, text):
    path.write_bytes(text.encode())
    return path


def only_batch(path, x, y=None, **options):
    (batch,) = from_csv(path, x, y, **options)
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), batch)


def test_types_and_missing_values(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "\ufeffint,age,price,flag,name,day,kind,score,code\r\n"
        '1,31,0.5,true,"a, ""b""",2026-01-01,0,1.5,007\r\n'
        "2,,,false,,2026-01-02,,NA,\r\n"
        "\r\n"
        '3,58,1e3,true,"c\nd",,-1,2.5,8',
    )
    names = ["int", "age", "price", "flag", "name", "day", "code"]
    x, y, weight = only_batch(path, names, ["kind", "score"], dtypes={"code": "string"})
    expected = {
        "int": np.array([1, 2, 3]),
        "age": np.array([31, np.nan, 58], "float32"),
        "price": np.array([0.5, np.nan, 1000], "float32"),
        "flag": np.array([True, False, True]),
        "name": np.array([b'a, "b"', b"", b"c\nd"], object),
        "day": np.array([b"2026-01-01", b"2026-01-02", b""], object),
        "code": np.array([b"007", b"", b"8"], object),
    }
    for name, values in expected.items():
        assert x[name].dtype == values.dtype, name
        np.testing.assert_array_equal(x[name], values, err_msg=name)
    np.testing.assert_array_equal(y["kind"], [0, 0, 0])
    np.testing.assert_array_equal(weight["kind"], [1, 0, 0])
    np.testing.assert_array_equal(y["score"], [1.5, 0, 2.5])
    np.testing.assert_array_equal(weight["score"], [1, 0, 1])


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_pieces_of_a_file(tmp_path, size, end):
    rows = ["1,a\n", '2,"b\n\n"""\r\n', "\n", '"3",c\r\n', "\r\n", '4,"\n"', end]
    path = write(tmp_path / "t.csv", "".join(rows))
    pieces = list(_csv_rows.spans(str(path), 0, size))
    assert [piece[0] for piece in pieces] == [0, *(piece[1] for piece in pieces[:-1])]
    assert pieces[-1][1] == path.stat().st_size
    assert sum(num_rows for *_, num_rows in pieces) == 4 == len(pd.read_csv(path, header=None))
    for start, stop, num_rows in pieces:
        text = _csv_rows.read_bytes(str(path), start, stop)
        assert text.count(b'"') % 2 == 0
        assert num_rows == sum(text.count(key) for key in (b"1,", b"2,", b"3", b"4,"))


def test_a_quote_that_is_not_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(_csv_rows, "_LONGEST", 30)
    path = write(tmp_path / "t.csv", 'a\n1\n2"\n' + "3\n" * 30)
    with pytest.raises(ValueError, match=r"t.csv: a row must have at most 30 bytes.* from byte 4 on.*a quote"):
        list(_csv_rows.spans(str(path), 0, 4))


def test_blocks_are_shuffled_and_runs_start_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr(_csv_rows, "BLOCK", 16)
    monkeypatch.setattr(_csv_rows.spans, "__defaults__", (16,))
    for i, rows in enumerate(np.split(np.arange(10, 70), [20, 45])):
        write(tmp_path / f"{i}.csv", "row\n" + "".join(f"{row}\n" for row in rows))
    write(tmp_path / "empty.csv", "row\n")
    dataset = from_csv(tmp_path, "row", None, 4, shuffle=True, shuffle_rows=12)
    one, two = ([batch.tolist() for batch in dataset.as_numpy_iterator()] for _ in range(2))
    assert one != two
    assert sorted(itertools.chain(*one)) == sorted(itertools.chain(*two)) == list(range(10, 70))
    assert int(dataset.cardinality()) == 15
    assert [batch.tolist() for batch in rest_of_epoch(dataset, 1, 8).as_numpy_iterator()] == two[8:]


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (["a,t\n"], {}, r"`files` must have rows. Received: 1 files without rows"),
        ([""], {}, r"`files` must have rows"),
        (["a,t\n1,2\n", "a\n1\n"], {}, r"1.csv: the column 't' is missing, but .*0.csv has it. Received: \['a'\]"),
        (
            ["a,t\n1,2\n", "a,t\nb,2\n"],
            {},
            r"1.csv: the column 'a' must be int64, as in .*0.csv. Received: string.*dtype",
        ),
        (["a,t\n,2\n"], {}, r"0.csv: the column 'a' has no value in its first rows. Say its dtype: `dtypes=\{'a'"),
        (["a,t\nb,c\n"], {}, r"0.csv: the column 't' must be numbers, because it is in `y`. Received: string"),
        (["a;t\nb;c\n"], {}, r"`x` must name columns of .*0.csv, which are \['a;t'\]. Received: 'a'"),
        (["a,t\n1,2\n"], {"delimiter": ", "}, r"`delimiter` must be one character"),
        (["a,t\n1,2\n"], {"dtypes": {"b": "int8"}}, r"`dtypes` must name columns that are used.*Received: 'b'"),
        (["a,t\n1,2\n"], {"dtypes": {"a": "in"}}, r"`dtypes\['a'\]` must be a dtype such as"),
        (["a,t\n1,2,3\n"], {}, r"0.csv: the rows in the bytes 4 to 10 cannot be read.*Expected 2 columns, got 3"),
    ],
)
def test_wrong_when_made(texts, options, message, tmp_path):
    for i, text in enumerate(texts):
        write(tmp_path / f"{i}.csv", text)
    with pytest.raises(ValueError, match=message):
        from_csv(tmp_path, "a", ["t"], **options)


def test_other_values_later(tmp_path):
    path = write(tmp_path / "t.csv", "t,a\n" + "1,2\n" * 300_000 + "1,2.5\n")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"t.csv: the rows .*the column .*'a.*int64.*2\.5"):
        list(from_csv(path, "a", ["t"], batch_size=100_000))


def test_ints_and_floats_in_several_files_are_floats(tmp_path):
    for i, values in enumerate(("1\n2", "0.5", "")):
        write(tmp_path / f"{i}.csv", f"a\n{values}\n")
    np.testing.assert_array_equal(only_batch(tmp_path, "a"), np.array([1, 2, 0.5], "float32"))
