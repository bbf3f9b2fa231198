"""Tables go into `predict`, `export.check`, exports and the command line as they are."""

import numpy as np
import pandas as pd
import pytest

import mtl_keras as mtl
from mtl_keras.__main__ import main

FRAME = pd.DataFrame(
    {"extra": [1, 2, 3], "age": [31.0, np.nan, 58.0], "job": ["cook", "clerk", "smith"], "code": [7, 8, 7]}
)


@pytest.fixture(scope="module")
def model():
    table = {
        "age": np.array([31.0, 20.0, 58.0]),
        "job": np.array(["cook", "clerk", "cook"]),
        "code": np.array([7, 8, 9]),
    }
    tower = mtl.towers.Tabular.from_data(table, categorical=["code"], units=(4,))
    return mtl.build_model(tower.inputs(), [mtl.Task("rich", mtl.heads.Binary())], tower=tower)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "people"
    mtl.export.saved_model(model, folder)
    return folder


@pytest.fixture(scope="module")
def expected(model):
    rows = mtl.data.from_arrays(FRAME[["age", "job", "code"]])
    return model.predict(rows, verbose=0)["rich"]


@pytest.mark.parametrize("job", [object, "str", "category"])
def test_a_frame(model, folder, expected, job):
    frame = FRAME.astype({"job": job})
    np.testing.assert_array_equal(model.predict(frame, verbose=0)["rich"], expected)
    np.testing.assert_allclose(mtl.export.load(folder).predict(frame, task="rich"), expected, atol=1e-6)
    assert mtl.export.check(model, folder, frame)["serving_default"]["rich"] < 1e-6


def test_a_column_lacks(model, folder):
    for predict in (model.predict, mtl.export.load(folder).predict):
        with pytest.raises(ValueError, match=r"must have the columns .*'job'.* Received: one without \['job'\]"):
            predict(FRAME.drop(columns="job"))


def test_columns_of_one_input(model):
    numbers = mtl.build_model((2,), [mtl.Task("t", mtl.heads.Regression())], tower=mtl.towers.MLP((2,)))
    frame = FRAME[["extra", "code"]]
    np.testing.assert_array_equal(
        numbers.predict(frame, verbose=0)["t"], numbers.predict(frame.to_numpy("float32"), verbose=0)["t"]
    )
    with pytest.raises(ValueError, match=r"must have the columns"):
        numbers.predict(FRAME[["extra"]])


def test_lists_of_ids():
    tower = mtl.towers.TextCNN(num_tokens=9, embedding_dim=2, filters=2)
    texts = mtl.build_model(tower.inputs(), [mtl.Task("t", mtl.heads.Regression())], tower=tower)
    frame = pd.DataFrame({"tokens": [[1, 2, 3], [4], []]})
    full = np.array([[1, 2, 3], [4, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(texts.predict(frame, verbose=0)["t"], texts.predict(full, verbose=0)["t"])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_command_line(folder, expected, suffix, tmp_path, capsys):
    file = tmp_path / f"table.{suffix}"
    FRAME.to_csv(file, index=False) if suffix == "csv" else FRAME.to_parquet(file)
    assert main(["predict", str(folder), str(file)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "table" in line]
    assert [row[1:3] for row in rows] == [["0", "rich"], ["1", "rich"], ["2", "rich"]]
    np.testing.assert_allclose([float(row[3]) for row in rows], expected[:, 0], rtol=1e-3)


def test_a_table_that_lacks_a_column(folder, tmp_path, capsys):
    FRAME.drop(columns="job").to_csv(tmp_path / "table.csv", index=False)
    assert main(["predict", str(folder), str(tmp_path / "table.csv")]) == 1
    assert "`x` must name columns of" in capsys.readouterr().err
