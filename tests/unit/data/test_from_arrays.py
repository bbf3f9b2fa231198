"""Batches from arrays and data frames."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.data import from_arrays
from tests.helpers.marks import first_fast


def tens():
    return np.arange(10), {"t": np.arange(10)}


def order(dataset):
    return [x.tolist() for x, *_ in dataset.as_numpy_iterator()]


def whole(*arguments, **keywords):
    return next(from_arrays(*arguments, batch_size=100, **keywords).as_numpy_iterator())


def test_batches_in_order():
    dataset = from_arrays(*tens(), batch_size=4)
    assert order(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert int(dataset.cardinality()) == 3


def test_drop_remainder_fixes_the_batch_size():
    dataset = from_arrays(*tens(), batch_size=4, drop_remainder=True)
    assert order(dataset) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert int(dataset.cardinality()) == 2
    assert dataset.element_spec[0].shape == (4,)


def test_shuffle_is_a_permutation_that_keeps_rows_together():
    dataset = from_arrays(*tens(), batch_size=4, shuffle=True)
    assert int(dataset.cardinality()) == 3
    seen = []
    for x, y in dataset.as_numpy_iterator():
        np.testing.assert_array_equal(x, y["t"])
        seen += x.tolist()
    assert sorted(seen) == list(range(10))
    assert seen != list(range(10))


def test_augment_is_repeatable_and_new_in_every_batch():
    def draw(x, seed):
        return tf.random.stateless_uniform(tf.shape(x), seed, maxval=10**9, dtype=tf.int32)

    dataset = from_arrays(*tens(), batch_size=4, augment=draw)
    epochs = [order(dataset) for _ in range(3)]
    assert len(np.unique(np.concatenate([batch for epoch in epochs for batch in epoch]))) == 30
    resumed, place = from_arrays(*tens(), batch_size=4, augment=draw).placed()
    place.epoch = 2
    assert order(resumed) == epochs[2]


def test_augment_sees_a_dict_of_inputs():
    x = {"a": np.arange(4.0), "b": np.ones(4)}
    inputs, _ = whole(x, {"t": np.arange(4)}, augment=lambda x, seed: {"a": x["a"] + 1, "b": x["b"]})
    np.testing.assert_array_equal(inputs["a"], [1, 2, 3, 4])


def test_dtypes():
    x = {
        "image": np.zeros((2, 3), "uint8"),
        "value": np.zeros(2, "float64"),
        "name": np.array(["a", "b"], object),
        "half": np.zeros(2, "float16"),
    }
    y = {"flag": np.array([True, False]), "class": np.array([1, 2]), "value": np.array([0.5, 1.5])}
    inputs, labels = whole(x, y)
    assert {key: array.dtype.name for key, array in inputs.items()} == {
        "image": "uint8",
        "value": "float32",
        "name": "object",
        "half": "float16",
    }
    assert inputs["name"].tolist() == [b"a", b"b"]
    assert {key: array.dtype.name for key, array in labels.items()} == {
        "flag": "int32",
        "class": "int64",
        "value": "float32",
    }


def test_data_frames():
    x = pd.DataFrame({"age": [30.0, 40.0], "city": ["Bern", "Chur"]})
    y = pd.DataFrame({"rich": [True, False], "score": [0.5, None]})
    inputs, labels, weights = whole(x, y)
    assert inputs["city"].tolist() == [b"Bern", b"Chur"]
    np.testing.assert_array_equal(inputs["age"], [30, 40])
    np.testing.assert_array_equal(labels["rich"], [1, 0])
    np.testing.assert_array_equal(labels["score"], [0.5, 0])
    np.testing.assert_array_equal(weights["rich"], [1, 1])
    np.testing.assert_array_equal(weights["score"], [1, 0])


def test_weights_only_where_something_is_missing_or_given():
    x = np.arange(3)
    assert len(whole(x, {"t": np.arange(3.0)})) == 2
    assert len(whole(x, {"t": np.array([0, -3, 5])})) == 2
    *_, weights = whole(x, {"t": np.array([0, -1, 5]), "u": np.arange(3)})
    np.testing.assert_array_equal(weights["t"], [1, 0, 1])
    np.testing.assert_array_equal(weights["u"], [1, 1, 1])
    *_, weights = whole(x, {"t": np.arange(3), "u": np.arange(3)}, sample_weight=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(weights["u"], [1, 2, 3])
    assert weights["u"].dtype == np.float32


class TestWeightsAlways:
    """Datasets that have weights whatever is in them can be mixed."""

    X = np.arange(4.0)

    @pytest.mark.parametrize(
        ("label", "always", "elements"),
        [
            (np.arange(4), (4,), (4,)),
            (np.arange(4.0), (4,), (4,)),
            (np.arange(4.0)[:, None], (4,), (4,)),
            (np.arange(4, dtype="uint8"), (4,), (4,)),
            (np.ones((4, 2), "float32"), (4,), (4, 2)),
            (np.array([[1.0, np.nan], [1.0, 1.0]] * 2), (4, 2), (4, 2)),
            (np.array([[np.nan, np.nan], [1.0, 1.0]] * 2), (4,), (4, 2)),
            (np.eye(4, 2, dtype="uint8"), (4,), (4,)),  # of which nothing can be missing
        ],
    )
    def test_shapes(self, label, always, elements):
        for weights, shape in (("always", always), ("elements", elements)):
            *_, found = whole(self.X, {"t": label, "u": np.arange(4)}, weights=weights)
            assert found["t"].shape == shape
            assert found["u"].shape == (4,)
            assert found["t"].dtype == found["u"].dtype == np.float32
            np.testing.assert_array_equal(found["u"], 1)
            known = ~np.isnan(label)
            expected = known.reshape(shape) if known.size == np.prod(shape) else known[:, 0]
            np.testing.assert_array_equal(found["t"], expected)

    @pytest.mark.parametrize("shuffle", first_fast([True, False]))
    @pytest.mark.parametrize(("weights", "partly"), first_fast([("elements", True), ("always", False)]))
    def test_mixing(self, shuffle, weights, partly):
        """One without missing labels, one with, one with given weights."""
        missing = np.array([[1.0, np.nan], [3.0, 4.0]] * 2) if partly else np.full((4, 2), np.nan)
        parts = [
            from_arrays(self.X, {"t": label}, 2, shuffle=shuffle, weights=weights, sample_weight=given)
            for label, given in ((np.ones((4, 2)), None), (missing, None), (np.ones((4, 2)), np.full(4, 2.0)))
        ]
        mixed = tf.data.Dataset.sample_from_datasets(parts, seed=0)
        assert len(list(mixed)) == 6
        mixed = mixed.apply(tf.data.experimental.assert_cardinality(6))
        x = keras.Input((1,))
        model = mtl.MultiTaskModel(x, {"t": keras.layers.Dense(2)(x)})
        model.compile("sgd", loss={"t": mtl.losses.ElementwiseMeanSquaredError()})
        assert np.isfinite(model.fit(mixed, verbose=0).history["loss"]).all()
        assert len(list(tf.data.Dataset.choose_from_datasets(parts, tf.data.Dataset.range(3).repeat(2)))) == 6

    def test_evaluation_is_the_same(self):
        x = keras.Input((1,))
        model = mtl.MultiTaskModel(x, {"t": keras.layers.Dense(1)(x)})
        model.compile("sgd", loss={"t": "mse"}, metrics={"t": ["mae"]})
        results = [
            model.evaluate(from_arrays(self.X, {"t": self.X}, 3, weights=weights), verbose=0, return_dict=True)
            for weights in ("auto", "always", "elements")
        ]
        assert results[1] == pytest.approx(results[0])
        assert results[2] == pytest.approx(results[0])

    @pytest.mark.parametrize("weights", [True, None, "never"])
    def test_no_such_choice(self, weights):
        with pytest.raises(ValueError, match=r"`weights` must be one of 'auto', 'always', 'elements'. Received: "):
            from_arrays(self.X, {"t": self.X}, weights=weights)


class TestFrames:
    """What a data frame can hold that no array does."""

    FRAME = pd.DataFrame([[1.0, 2.0, 3.0]] * 3, columns=["a", "b", "a"])

    @pytest.mark.parametrize("name", ["x", "y", "sample_weight"])
    def test_two_columns_of_one_name(self, name):
        good = {"x": np.arange(3.0), "y": {"a": np.arange(3.0), "b": np.arange(3.0)}}
        with pytest.raises(ValueError, match=rf"columns of `{name}` must have distinct names. Received: \['a'\] sev"):
            from_arrays(**{**good, name: self.FRAME})
        frame = self.FRAME.loc[:, ~self.FRAME.columns.duplicated()]  # the way out of the message
        from_arrays(**{**good, name: frame})

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (pd.Series([[1.5, 2], [3], [4]]), r"`x\['c'\]` must have lists of one length, or of integers.*pad_sequ"),
            (pd.Series([[1, 2], None, [4]]), r"`x\['c'\]` must have a list of numbers in each row.*row 1: None"),
            (pd.Series([["a"], ["b", "c"], []]), r"`x\['c'\]` must have lists of one length, or of integers"),
            (pd.Series(["a", None, "b"], dtype=object), r"`x\['c'\]` must hold numbers or strings.*fillna\(\"\"\)`"),
            (pd.Series(["a", np.nan, "b"], dtype="category"), r"`x\['c'\]` must hold numbers or strings.*fillna"),
            (pd.Series(["a", 1, 2.0], dtype=object), r"`x\['c'\]` must hold numbers or strings.*`.astype\(str\)`"),
            (pd.Series([1, None, 2], dtype=object), r"`x\['c'\]` must hold numbers.*`.astype\(\"float32\"\)`"),
        ],
    )
    def test_columns(self, column, message):
        with pytest.raises(ValueError, match=message):
            from_arrays(pd.DataFrame({"c": column}), {"t": np.arange(3)})


@pytest.mark.parametrize(
    "rows",
    [[[1, 2], [], [3]], np.array([[1, 2], (), np.array([3])], object), pd.Series([[1, 2], [], [3]])],
    ids=["list", "array", "column"],
)
def test_lists_of_ids_are_padded(rows):
    x = next(iter(from_arrays({"ids": rows})))["ids"]
    assert x.dtype == tf.int64
    np.testing.assert_array_equal(x, [[1, 2], [0, 0], [3, 0]])


def test_inputs_without_labels():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["u", "v", "w"], "c": [[1.5], [2.5], [3.5]]})
    dataset = from_arrays(frame, batch_size=2, augment=lambda x, seed: {**x, "a": -x["a"]})
    one, two = dataset.as_numpy_iterator()
    assert one["a"].tolist() == [-1, -2]
    assert two["b"].tolist() == [b"w"]
    assert two["c"].tolist() == [[3.5]]
    assert [x.tolist() for x in from_arrays(np.arange(3), batch_size=2).as_numpy_iterator()] == [[0, 1], [2]]
    with pytest.raises(ValueError, match=r"`sample_weight` must be None where `y` is"):
        from_arrays(frame, sample_weight=np.ones(3))


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.5, 2], [3], [4, 5]], r"must .*different lengths.*pad_sequences"),
        ([[[1], [2]], [[3]], [[4]]], r"must .*different lengths.*pad_sequences"),
        (tf.ragged.constant([[1, 2], [3], [4, 5]]), r"must be an array. Received: a RaggedTensor. .*to_tensor\(\)"),
        (tf.sparse.from_dense(np.eye(3)), r"must be an array. Received: a SparseTensor. .*to_dense"),
        (None, r"must be an array of shape \[N, ...\].*Received: None"),
    ],
)
def test_rows_that_are_no_array(name, rows, message):
    good = {"x": np.arange(3.0), "y": np.arange(3.0)}
    given = {key: {"t": rows if key == name else value} for key, value in good.items()}
    with pytest.raises(ValueError, match=rf"`{name}\['t'\]` {message}"):
        from_arrays(**given)


def test_weight_shape_follows_how_rows_are_missing():
    y = {
        "partly": np.array([[1, np.nan], [3, 4]]),
        "rows": np.array([[1, 2], [np.nan, np.nan]]),
        "column": np.array([[1], [np.nan]]),
    }
    _, labels, weights = whole(np.arange(2), y, sample_weight=np.array([2.0, 3.0]))
    np.testing.assert_array_equal(labels["partly"], [[1, 0], [3, 4]])
    np.testing.assert_array_equal(weights["partly"], [[2, 0], [3, 3]])
    np.testing.assert_array_equal(weights["rows"], [2, 0])
    np.testing.assert_array_equal(weights["column"], [2, 0])
    assert labels["column"].shape == (2, 1)


def test_given_weights_by_element_stay():
    given = {"t": np.array([[1.0, 1.0], [2.0, 2.0]])}
    *_, weights = whole(np.arange(2), {"t": np.ones((2, 2))}, sample_weight=given)
    np.testing.assert_array_equal(weights["t"], given["t"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": {"t": np.arange(9)}}, r"x: 10, y\['t'\]: 9"),
        ({"y": np.arange(10)}, r'Name the task: `y={"digit": labels}`'),
        ({"y": {}}, "Received: no task"),
        ({"y": {3: np.arange(10)}}, "names in `y` must be strings. Received: 3"),
        ({"y": {"t": 4}}, r"`y\['t'\]` must be an array of shape \[N, ...\]"),
        ({"x": np.array([1, "a"] * 5, object)}, r"`x` must hold numbers or strings alone"),
        (
            {"x": np.zeros(10, "datetime64[s]")},
            r"`x` must hold numbers or strings. Received: dtype datetime64",
        ),
        ({"y": {"t": np.array([-1, -2] * 5)}}, r"Choose one: `missing={'t': -1}`"),
        ({"missing": {"u": 0}}, r"`missing` has unknown keys \['u'\]. Expected task names out of \['t'\]"),
        (
            {"sample_weight": {"u": np.ones(10)}},
            r"`sample_weight` has unknown keys \['u'\]. Expected task names out of \['t'\]",
        ),
        ({"sample_weight": np.ones(9)}, "sample_weight: 9"),
        ({"sample_weight": np.ones((10, 3))}, r"weights of 't' must have the shape \[N\]"),
        ({"batch_size": 0}, "`batch_size` must be an integer of at least 1. Received: batch_size=0"),
        (
            {"batch_size": 11, "drop_remainder": True},
            "at least one batch. Received: 10 examples, batch_size=11",
        ),
        ({"batch_size": True}, "`batch_size` must be an integer of at least 1. Received: batch_size=True"),
        ({"seed": None}, "`seed` must be an integer from -2147483648 to 2147483647. Received: seed=None"),
        ({"seed": 2**31}, "`seed` must be an integer from .* Received: seed=2147483648"),
        ({"shuffle": 1}, "`shuffle` must be True or False. Received: shuffle=1"),
        ({"drop_remainder": "no"}, "`drop_remainder` must be True or False. Received: drop_remainder='no'"),
        ({"augment": "flip"}, "`augment` must be a function"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(**{"x": np.arange(10), "y": {"t": np.arange(10)}} | change)


_MIRRORED = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from mtl_keras import data
from tests.helpers.marks import first_fast

def run(strategy):
    y = {"t": np.arange(32.0)}
    y["t"][3] = np.nan
    with strategy.scope():
        x = keras.Input((1,))
        model = keras.Model(x, {"t": keras.layers.Dense(1, kernel_initializer="ones")(x)})
        model.compile(keras.optimizers.SGD(1e-3), loss={"t": "mse"})
    train = data.from_arrays(np.arange(32.0), y, 8, shuffle=True, drop_remainder=True)
    model.fit(train, epochs=2, shuffle=False, verbose=0)
    return model.get_weights()

one = run(tf.distribute.get_strategy())
two = run(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for a, b in zip(one, two):
    np.testing.assert_allclose(a, b, rtol=1e-4)
print("same")
"""


@pytest.mark.slow
def test_two_replicas_train_as_one():
    done = subprocess.run([sys.executable, "-c", _MIRRORED], capture_output=True, text=True, timeout=120)
    assert "same" in done.stdout, done.stderr[-2000:]


class TestOneClass:
    """A task whose labels are all the same is a warning, wherever arrays enter."""

    def warnings_of(self, call):
        """Returns the warnings of this kind; TensorFlow has some of its own on new versions of Python."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        return [str(w.message) for w in caught if "one class only" in str(w.message)]

    @pytest.mark.parametrize("label", [np.array([[1], [1], [1]]), np.ones(4, bool), np.ones((4, 2), "uint8")])
    def test_from_arrays(self, label):
        y = {"a": label, "b": np.arange(len(label))}
        (warning,) = self.warnings_of(lambda: mtl.data.from_arrays(np.ones(len(label)), y))
        assert warning.startswith("`y['a']` has one class only, 1: there is nothing to learn")

    def test_fit(self):
        tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Binary())]
        model = mtl.build_model((2,), tasks)
        model.compile("sgd", metrics=[])
        y = {"a": np.array([1, 0, 1, 1]), "b": np.array([0, 1, 1, 1])}
        weights = {"a": np.array([1, 0, 1, 1.0]), "b": np.ones(4)}
        (warning,) = self.warnings_of(lambda: model.fit(np.ones((4, 2)), y, sample_weight=weights, verbose=0))
        assert warning.startswith("`y['a']` has one class only, 1: ")

    @pytest.mark.parametrize("label", [np.ones(4), np.ones(2, int), np.array([1, 1, 1, 0]), np.full(4, -1)])
    def test_none(self, label):
        """Numbers may be the same for a reason, two rows are no data, and what is missing is no class."""
        mtl.data.from_arrays(np.ones(len(label)), {"a": label})
