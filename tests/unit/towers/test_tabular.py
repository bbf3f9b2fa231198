"""Tabular."""

import re

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.towers import Tabular
from tests.unit.towers._build import build, num_trainable

COLUMNS = {"age": (), "job": ((), "string"), "code": ((), "int64")}
TABLE = {
    "age": np.array([10.0, 20.0, 60.0, np.nan], "float32"),
    "weeks": np.array([3, 3, 3, 3]),
    "job": np.array(["cook", "clerk", "cook", "none"], dtype=object),
    "member": np.array([True, False, False, True]),
    "code": np.array([7, -1, 7, -1]),
}
TASKS = [mtl.Task("rich", mtl.heads.Binary()), mtl.Task("married", mtl.heads.Binary())]
LABELS = {"rich": np.array([0, 1, 1, 0]), "married": np.array([1, 1, 0, 0])}


def _tensors(table):
    return {column: tf.constant(values) for column, values in table.items()}


def _model(table=TABLE, sharing="hard", **arguments):
    tower = Tabular.from_data(table, categorical=("code",), **{"units": (3,), **arguments})
    return mtl.build_model(tower.inputs(), TASKS, tower=tower, sharing=sharing)


class TestColumns:
    def test_parameter_count(self):
        # (2 + 1) and (3 + 1) rows of 4; 1 + 4 + 4 columns: 9·5 + 5
        tower = Tabular(("age",), {"job": ("a", "b"), "code": (3, 1, 2)}, units=(5,))
        assert num_trainable(build(tower, COLUMNS)) == 28 + 50

    def test_one_vector_by_hand(self):
        tower = Tabular(
            numeric=("age",),
            categories={"job": ("a", "b"), "code": (7,)},
            means={"age": 10.0},
            variances={"age": 4.0},
            embedding_dim=1,
            units=(),
        )
        model = build(tower, COLUMNS)
        model.get_layer("shared_columns_embedding_job").set_weights([np.array([[0.1], [0.2], [0.3]])])
        model.get_layer("shared_columns_embedding_code").set_weights([np.array([[0.4], [0.5]])])
        x = {"age": [16.0, np.nan, 10.0], "job": ["b", "a", "other"], "code": [7, -1, 8]}
        # (16 - 10) / 2; NaN is the mean
        expected = [[3.0, 0.3, 0.5], [0.0, 0.2, 0.4], [0.0, 0.1, 0.4]]
        np.testing.assert_allclose(model(_tensors(x))["shared"], expected, rtol=1e-6)

    def test_values_that_stand_for_the_unknown_in_keras(self):
        columns = {column: COLUMNS[column] for column in ("job", "code")}
        model = build(Tabular((), {"job": ("[UNK]", "a"), "code": (-1, 0)}, embedding_dim=1, units=()), columns)
        for column in ("job", "code"):
            model.get_layer(f"shared_columns_embedding_{column}").set_weights([np.array([[0.0], [1.0], [2.0]])])
        x = {"job": ["[UNK]", "a", "b"], "code": [-1, 0, 1]}
        np.testing.assert_array_equal(model(_tensors(x))["shared"], [[1, 1], [2, 2], [0, 0]])

    def test_columns_of_shape_1_and_of_no_shape_are_the_same(self):
        keras.utils.set_random_seed(0)
        flat = build(Tabular(("age",), {"job": ("a", "b")}), {"age": (), "job": ((), "string")})
        keras.utils.set_random_seed(0)
        deep = build(Tabular(("age",), {"job": ("a", "b")}), {"age": (1,), "job": ((1,), "string")})
        x = {"age": [0.5, 1.5], "job": ["b", "c"]}
        x_deep = {column: np.array(values)[:, None] for column, values in x.items()}
        np.testing.assert_array_equal(flat(_tensors(x))["shared"], deep(_tensors(x_deep))["shared"])

    def test_without_names_all_inputs_are_numbers(self):
        model = build(Tabular(units=()), {"b": (), "a": (2,)})
        np.testing.assert_array_equal(model(_tensors({"b": [3.0], "a": [[1.0, 2.0]]}))["shared"], [[3, 1, 2]])


class TestFromData:
    @pytest.mark.parametrize("as_table", [dict, pd.DataFrame], ids=["dict", "pandas"])
    def test_reads_the_columns(self, as_table):
        tower = Tabular.from_data(as_table(TABLE), categorical=("code",), embedding_dim=2)
        assert tower.numeric == ("age", "weeks")
        assert tower.categories == {"job": ("clerk", "cook", "none"), "member": (0, 1), "code": (-1, 7)}
        # of 10, 20, 60: mean 30, and (400 + 100 + 900) / 3; a constant column keeps its scale
        assert tower.means == {"age": 30.0, "weeks": 3.0}
        assert tower.variances == pytest.approx({"age": 1400 / 3, "weeks": 1.0})
        assert tower.embedding_dim == 2

    def test_integers_are_numbers_unless_named(self):
        assert Tabular.from_data(TABLE).numeric == ("age", "weeks", "code")

    def test_rare_values_are_unknown(self):
        assert Tabular.from_data({"job": TABLE["job"]}, min_count=2).categories == {"job": ("cook",)}

    @pytest.mark.parametrize("batch_size", [1, 7])
    def test_of_a_dataset(self, batch_size, capsys):
        rng = np.random.default_rng(0)
        table = {
            "age": np.where(rng.random(50) < 0.2, np.nan, 1e4 + rng.normal(size=50)).astype("float32"),
            "same": np.full(50, 3.0, "float32"),
            "code": rng.integers(0, 9, 50),
            "flag": rng.random(50) < 0.5,
            "job": np.array(["cook", "clerk", "é", "", "cook"] * 10),
        }
        dataset = mtl.data.from_arrays(table, {"t": np.arange(50.0)}, batch_size, shuffle=True)
        arguments = {"categorical": ["code"], "min_count": 3, "units": (2,)}
        read, known = Tabular.from_data(dataset, **arguments), Tabular.from_data(table, **arguments)
        assert "50/50" in capsys.readouterr().out or batch_size > 1
        assert (read.numeric, read.categories, read.units) == (known.numeric, known.categories, known.units)
        wide = table["age"].astype("float64")
        assert read.means["age"] == pytest.approx(np.nanmean(wide), rel=1e-12)
        assert read.variances["age"] == pytest.approx(np.nanvar(wide), rel=1e-9)
        assert (read.means["same"], read.variances["same"]) == (3.0, 1.0)

    def test_of_datasets_that_are_no_table(self):
        rows = mtl.data.from_arrays({"a": np.zeros((3, 2))})
        with pytest.raises(ValueError, match=r"`x\['a'\]` must be of shape \[B\] or \[B, 1\]. Received: \(None, 2\)"):
            Tabular.from_data(rows, verbose=0)
        with pytest.raises(ValueError, match=r"`x` must be a dataset with inputs \{column: tensor\}"):
            Tabular.from_data(rows.map(lambda x: x["a"]))
        column = mtl.data.from_arrays({"a": np.arange(3.0)})
        with pytest.raises(ValueError, match=r"`x\['a'\]` must hold strings, integers or booleans.*float32"):
            Tabular.from_data(column, categorical=["a"])
        with pytest.raises(ValueError, match=r"`categorical` must name columns out of \['a'\]"):
            Tabular.from_data(column, categorical=["b"])
        with pytest.raises(ValueError, match=r"The dataset must be finite"):
            Tabular.from_data(column.repeat())
        with pytest.raises(ValueError, match=r"`verbose` must be one of 0, 1"):
            Tabular.from_data(column, verbose=2)

    def test_categories_of_pandas(self):
        frame = pd.DataFrame({"job": pd.Categorical(["b", "a", "b"])})
        assert Tabular.from_data(frame).categories == {"job": ("a", "b")}

    def test_inputs(self):
        inputs = Tabular.from_data(TABLE, categorical=("code",)).inputs()
        dtypes = {"age": "float32", "weeks": "float32", "job": "string", "member": "int64", "code": "int64"}
        assert {column: x.dtype for column, x in inputs.items()} == dtypes
        assert {x.shape for x in inputs.values()} == {(None,)}

    def test_the_data_are_normalised(self):
        rng = np.random.default_rng(0)
        table = {"a": rng.normal(5, 3, 100), "b": rng.gamma(2, 2, 100)}
        model = build(Tabular.from_data(table, units=()), {"a": (), "b": ()})
        x = model(_tensors({column: values.astype("float32") for column, values in table.items()}))["shared"]
        np.testing.assert_allclose(np.mean(x, axis=0), [0, 0], atol=1e-6)
        np.testing.assert_allclose(np.std(x, axis=0), [1, 1], rtol=1e-5)


class TestInAModel:
    def test_trains_on_a_frame(self):
        model = _model()
        model.compile("sgd")
        history = model.fit(mtl.data.from_arrays(pd.DataFrame(TABLE), LABELS), epochs=2, verbose=0)
        assert np.isfinite(history.history["loss"]).all()

    @pytest.mark.parametrize("sharing", ["hard", "single_task"])
    def test_saved_and_loaded(self, sharing, tmp_path):
        model = _model(sharing=sharing)
        model.compile("sgd")
        data = mtl.data.from_arrays(TABLE, LABELS)
        model.fit(data, verbose=0)
        expected = model.predict(data, verbose=0)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        for task, values in loaded.predict(data, verbose=0).items():
            np.testing.assert_array_equal(values, expected[task])

    def test_the_export_takes_raw_rows(self, tmp_path):
        model = _model()
        folder = mtl.export.saved_model(model, tmp_path)
        served = tf.saved_model.load(folder).signatures["serving_default"]
        row = {
            "age": tf.constant([np.nan]),
            "weeks": tf.constant([3.0]),
            "job": tf.constant(["astronaut"]),
            "member": tf.constant([1], tf.int64),
            "code": tf.constant([7], tf.int64),
        }
        expected = model.predict(row, verbose=0)
        for task, values in served(**row).items():
            np.testing.assert_allclose(values, expected[task], atol=1e-6)

    @pytest.mark.parametrize("weighting", ["pcgrad", "aligned_mtl"])
    def test_embeddings_under_a_weighting(self, weighting):
        """Only the rows that a sample looked up move."""
        keras.utils.set_random_seed(0)
        model = _model(units=())
        model.compile(keras.optimizers.SGD(0.1), weighting=weighting)
        before = model.get_layer("shared_columns_embedding_job").get_weights()[0]
        rows = {column: values[:2] for column, values in TABLE.items()}  # a cook and a clerk
        model.fit(mtl.data.from_arrays(rows, {t: y[:2] for t, y in LABELS.items()}), verbose=0)
        after = model.get_layer("shared_columns_embedding_job").get_weights()[0]
        moved = np.abs(after - before).max(axis=1) > 0
        assert moved.tolist() == [False, True, True, False]  # unknown, clerk, cook, none

    def test_a_weighting_of_embeddings_equals_one_of_dense_tables(self):
        """PCGrad on the sparse gradients of embeddings, and on the same tables as one-hot times a kernel."""
        values = ("a", "b", "c")
        job = np.array(["a", "c", "c", "x"])
        keras.utils.set_random_seed(0)
        sparse = mtl.build_model(
            {"job": keras.Input((), dtype="string", name="job")},
            TASKS,
            tower=Tabular((), {"job": values}, embedding_dim=3, units=()),
        )
        one_hot = np.eye(4)[[1, 3, 3, 0]]
        dense = mtl.build_model((4,), TASKS, tower=keras.layers.Dense(3, use_bias=False))
        dense.set_weights(sparse.get_weights())
        for model, x in ((sparse, {"job": job}), (dense, one_hot)):
            model.compile(keras.optimizers.SGD(1.0), weighting="pcgrad")
            keras.utils.set_random_seed(1)
            model.fit(mtl.data.from_arrays(x, {"rich": [0, 1, 0, 1], "married": [1, 0, 1, 1]}), epochs=3, verbose=0)
        for a, b in zip(sparse.get_weights(), dense.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


class TestArguments:
    def test_does_not_change_with_the_callers_dict_and_can_be_hashed(self):
        given = {"job": ["a", "b"]}
        tower = Tabular(categories=given)
        given["job"].append("c")
        given["code"] = (1,)
        assert tower.categories == {"job": ("a", "b")}
        assert hash(tower) == hash(Tabular(categories={"job": ("a", "b")}))
        assert tower == Tabular(categories={"job": ("a", "b")})
        assert tower != Tabular(categories={"job": ("b", "a")})

    @pytest.mark.parametrize("values", [(), "ab", ("a", 1), (1.5,), ("a", "a"), (None,)])
    def test_bad_categories(self, values):
        with pytest.raises(ValueError, match=r"`categories\['job'\]` must be distinct values.*Received"):
            Tabular(categories={"job": values})

    @pytest.mark.parametrize("numeric", ["age", ("age", "age"), ("job",)])
    def test_bad_numeric(self, numeric):
        with pytest.raises(ValueError, match=r"`numeric` must be a tuple of distinct names.*Received"):
            Tabular(numeric=numeric, categories={"job": ("a",)})

    def test_no_column(self):
        with pytest.raises(ValueError, match=r"`numeric` must be a tuple of distinct names.*one of the two must name"):
            Tabular(numeric=())

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"means": {"pay": 1.0}}, r"`means` must name columns of numbers. Received: 'pay'"),
            ({"means": {"job": 1.0}}, r"`means` must name columns of numbers. Received: 'job'"),
            (
                {"means": {"age": float("nan")}},
                r"`means\['age'\]` must be a finite number. Received: means\['age'\]=nan",
            ),
            (
                {"variances": {"age": 0.0}},
                r"`variances\['age'\]` must be a finite number above 0. Received: variances\['age'\]=0",
            ),
            ({"means": {"age": "1"}}, r"`means\['age'\]` must be a finite number. Received"),
            ({"batch_norm": 1}, r"`batch_norm` must be True or False. Received: batch_norm=1"),
            ({"means": (1.0,)}, r"`means` must be a dict"),
            ({"embedding_dim": 0}, r"`embedding_dim` must be an integer of at least 1"),
            ({"units": (0,)}, r"`units` must be a tuple of integers of at least 1"),
            ({"dropout": 1.0}, r"`dropout` must be a finite number of at least 0 and below 1"),
            ({"activation": "reul"}, r"`activation` must be the name"),
        ],
    )
    def test_bad_numbers(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            Tabular(("age",), {"job": ("a",)}, **arguments)

    @pytest.mark.parametrize("columns", [{"age": ()}, {**COLUMNS, "pay": ()}])
    def test_other_inputs(self, columns):
        with pytest.raises(
            ValueError, match=r"`inputs` must be the columns \['age', 'code', 'job'\].*Received: \['age'"
        ):
            build(Tabular(("age",), {"job": ("a",), "code": (1,)}), columns)

    def test_strings_without_categories(self):
        with pytest.raises(ValueError, match=r"`categories` must have the values.*none of \['job'\].*from_data"):
            build(Tabular(), {"age": (), "job": ((), "string")})

    def test_inputs_without_names(self):
        with pytest.raises(ValueError, match=r"`inputs` needs the names of the columns. Received: numeric=None"):
            Tabular().inputs()

    @pytest.mark.parametrize(
        ("table", "categorical", "message"),
        [
            ({"a": np.array(["x", None], object)}, (), r"`x\['a'\]` must hold strings.*fillna"),
            ({"a": np.array([1.0, 2.0])}, ("a",), r"`x\['a'\]` must hold strings, integers or booleans"),
            ({"a": np.array([1, 2])}, ("b",), r"`categorical` must name columns out of \['a'\]"),
            (np.ones((2, 2)), (), r"`x` must be a DataFrame or a dict.*ndarray"),
        ],
    )
    def test_bad_tables(self, table, categorical, message):
        with pytest.raises(ValueError, match=message):
            Tabular.from_data(table, categorical=categorical)

    def test_two_columns_of_one_name(self):
        with pytest.raises(
            ValueError, match=r"columns of `x` must have distinct names. Received: \['a'\] several times"
        ):
            Tabular.from_data(pd.DataFrame([[1.0, 2.0, 3.0]], columns=["a", "b", "a"]))

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series([1.0, np.nan, 2.0]),
            pd.Series([1.0, 2.0, 2.0]),
            pd.Series([1, None, 2], dtype="Int64"),
            pd.Series(["x", None, "y"], dtype=object),
            pd.Series(["x", np.nan, "y"], dtype="category"),
            np.array([1.0, np.nan, 2.0]),
            np.array(["x", None, "y"], object),
        ],
    )
    def test_the_advice_on_a_column_with_gaps_works(self, column):
        with pytest.raises(
            ValueError, match=r"`x\['a'\]` must hold strings, integers or booleans.*by `.*`, where x is"
        ) as error:
            Tabular.from_data({"a": column}, categorical=["a"])
        advice = re.search(r"by `(.*)`, where", str(error.value))[1]
        filled = eval(advice, {"x": column, "np": np, "pd": pd})
        assert len(Tabular.from_data({"a": filled}, categorical=["a"]).categories["a"]) in (2, 3)

    def test_too_rare(self):
        with pytest.raises(ValueError, match=r"`min_count` must leave each category a value.*'job' is found 2 times"):
            Tabular.from_data(TABLE, min_count=3)
