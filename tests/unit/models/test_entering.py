"""Data that Keras would fail on somewhere inside: an error where they enter, that names the input or the task."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import mtl_keras as mtl

ROWS = 4
X = {"ids": np.ones((ROWS, 3), "int32"), "size": np.ones((ROWS, 2), "float32")}
Y = {"a": np.ones(ROWS, "float32"), "b": np.array([0, 1, 1, 0])}
LISTS = [[1, 2, 3], [4], [5, 6], [7]]


@pytest.fixture(scope="module")
def model():
    ids, size = keras.Input((3,), name="ids", dtype="int32"), keras.Input((2,), name="size")
    features = keras.layers.Concatenate()([keras.layers.Flatten()(keras.layers.Embedding(9, 2)(ids)), size])
    outputs = {"a": keras.layers.Dense(1)(features), "b": keras.layers.Dense(1, activation="sigmoid")(features)}
    model = mtl.MultiTaskModel({"ids": ids, "size": size}, outputs)
    model.compile("sgd", loss={"a": "mse", "b": "binary_crossentropy"})
    return model


METHODS = {
    "fit": lambda model, *data: model.fit(*data, verbose=0),
    "validation": lambda model, *data: model.fit(X, Y, validation_data=data if len(data) > 1 else data[0], verbose=0),
    "evaluate": lambda model, *data: model.evaluate(*data, verbose=0),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ({"ids": LISTS}, {}, r"`x\['ids'\]` must be an array. Received: a list.*pad_sequences"),
        ({"ids": tf.ragged.constant(LISTS)}, {}, r"`x\['ids'\]` must be an array. Received: a RaggedTensor.*to_tensor"),
        (
            {"ids": np.array([list(r) for r in LISTS], object)},
            {},
            r"`x\['ids'\]` must be numbers, int32.*pad_sequences",
        ),
        ({"size": np.full((ROWS, 2), "1")}, {}, r"`x\['size'\]` must be numbers, float32. Received: dtype str"),
        ({"size": None}, {}, r"`x\['size'\]` must be an array. Received: a NoneType"),
        ({}, {"b": None}, r"`y\['b'\]` must be an array. Received: None. Pass missing labels as NaN or -1"),
        ({}, {"b": [0, 1, 1, 0]}, r"`y\['b'\]` must be an array. Received: a list. Use `np.asarray"),
        ({}, {"b": LISTS}, r"`y\['b'\]` must be an array. Received: a list"),
        ({}, {"b": tf.ragged.constant(LISTS)}, r"`y\['b'\]` must be an array. Received: a RaggedTensor"),
        (
            {},
            {"b": np.array(["no", "yes", "yes", "no"])},
            r"`y\['b'\]` must be numbers. Received: dtype str.*return_inv",
        ),
        ({}, {"b": np.array(["no", "yes", None, "no"], object)}, r"`y\['b'\]` must be numbers. Received: dtype object"),
        ({}, {"b": tf.constant(["no", "yes", "yes", "no"])}, r"`y\['b'\]` must be numbers. Received: dtype string"),
        ({}, {"b": pd.Series(["no", "yes", "yes", "no"])}, r"`y\['b'\]` must be numbers. Received: dtype"),
        (
            {},
            {"b": pd.Series(["no", "yes", "yes", "no"], dtype="category")},
            r"`y\['b'\]` must be numbers. Received: dtype category.*cat.codes",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "",
)
def test_arrays(model, method, x, y, message):
    with pytest.raises(ValueError, match=message):
        METHODS[method](model, {**X, **x}, {**Y, **y})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"ids": LISTS}, r"`x\['ids'\]` must be an array. Received: a list.*pad_sequences"),
        ({"ids": tf.ragged.constant(LISTS)}, r"`x\['ids'\]` must be an array. Received: a RaggedTensor"),
        ({"size": np.full((ROWS, 2), "1")}, r"`x\['size'\]` must be numbers, float32. Received: dtype str"),
    ],
)
def test_predict(model, x, message):
    with pytest.raises(ValueError, match=message):
        model.predict({**X, **x}, verbose=0)
    with pytest.raises(ValueError, match=r"`x` must be a dataset of batches"):
        model.predict(tf.data.Dataset.from_tensor_slices(X), verbose=0)
    assert model.predict(X, verbose=0)["b"].shape == (ROWS, 1)
    assert model.predict(((X,) for _ in range(2)), steps=2, verbose=0)["b"].shape == (2 * ROWS, 1)


def _batches(x=None, y=None):
    return tf.data.Dataset.from_tensor_slices(({**X, **(x or {})}, {**Y, **(y or {})})).batch(2)


def _unknown(key):
    """A dataset of which nothing is known of one tensor."""

    def forget(x, y):
        lost = tf.numpy_function(lambda t: t, [x[key] if key in x else y[key]], (x.get(key, y.get(key))).dtype)
        return ({**x, key: lost}, y) if key in x else (x, {**y, key: lost})

    return _batches().map(forget)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (lambda: _batches().unbatch(), r"`x` must be a dataset of batches.*single examples.*`dataset.batch\(32\)`"),
        (lambda: _batches({"ids": tf.ragged.constant(LISTS)}), r"`x\['ids'\]` must be a dense tensor.*ragged"),
        (lambda: _batches(y={"b": tf.ragged.constant(LISTS)}), r"`y\['b'\]` must be a dense tensor.*ragged"),
        (lambda: _batches({"ids": tf.sparse.from_dense(X["ids"])}), r"`x\['ids'\]` must be a dense tensor.*sparse"),
        (lambda: _batches({"size": np.full((ROWS, 2), "1")}), r"`x\['size'\]` must be numbers, float32.*string"),
        (lambda: _batches(y={"b": ["no", "yes", "yes", "no"]}), r"`y\['b'\]` must be numbers. Received: dtype string"),
        (lambda: _unknown("b"), r"`y\['b'\]` must have a known number of axes.*ensure_shape"),
        (lambda: _unknown("ids"), r"`x\['ids'\]` must have a known number of axes.*output_signature"),
    ],
)
def test_datasets(model, method, dataset, message):
    with pytest.raises(ValueError, match=message):
        METHODS[method](model, dataset())


class _Batches(keras.utils.PyDataset):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.batch


STREAMS = {"generator": lambda batch: (batch for _ in range(4)), "py_dataset": _Batches}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ({}, {"b": None}, r"`y\['b'\]` must be an array. Received: None"),
        ({}, {"b": np.array(["no", "yes", "yes", "no"])}, r"`y\['b'\]` must be numbers. Received: dtype str"),
        ({}, {"b": [0, 1, 1, 0]}, r"`y\['b'\]` must be an array. Received: a list"),
        ({"ids": LISTS}, {}, r"`x\['ids'\]` must be an array. Received: a list.*pad_sequences"),
    ],
    ids=["none", "strings", "list", "rows_of_several_lengths"],
)
def test_streams(model, method, stream, x, y, message):
    with pytest.raises(ValueError, match=message):
        METHODS[method](model, STREAMS[stream](({**X, **x}, {**Y, **y})))


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_that_fit(model, stream):
    history = model.fit(STREAMS[stream]((X, Y)), steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.evaluate(STREAMS[stream]((X, Y)), steps=2, verbose=0)[0] > 0


def test_an_error_that_is_none_of_the_data(model):
    class Fail(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise ValueError("mine")

    for make in STREAMS.values():
        with pytest.raises(ValueError, match="mine"):
            model.fit(make((X, Y)), callbacks=[Fail()], steps_per_epoch=2, verbose=0)


@pytest.mark.parametrize(
    "labels", [np.ones((ROWS, 2), "float32"), np.ones(ROWS, "float32")], ids=["labels_of_rank_1", "scalar_labels"]
)
def test_single_examples_of_one_input(labels):
    image = keras.Input((4, 4), name="image")
    model = mtl.MultiTaskModel(image, {"a": keras.layers.Dense(2)(keras.layers.Flatten()(image))})
    model.compile("sgd", loss={"a": "mse"})
    dataset = tf.data.Dataset.from_tensor_slices((np.ones((ROWS, 4, 4)), {"a": labels}))
    with pytest.raises(ValueError, match=r"`x` must be a dataset of batches"):
        model.fit(dataset, verbose=0)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_a_batch(model, method):
    with pytest.raises(ValueError, match=r"`y\['b'\]` must be numbers. Received: dtype string"):
        getattr(model, method)(X, {**Y, "b": tf.constant(["no", "yes", "yes", "no"])})


class TestWhatKerasTakes:
    """It still enters."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda x, y: (x, y),
            lambda x, y: (x, {**y, "b": y["b"][:, None]}),
            lambda x, y: ({key: tf.constant(value) for key, value in x.items()}, y),
            lambda x, y: (x, {"a": pd.Series(y["a"]), "b": pd.Series(y["b"], dtype="int8")}),
            lambda x, y: (x, {**y, "b": y["b"].astype(bool)}),
            lambda x, y: (tf.data.Dataset.from_tensor_slices((x, y)).batch(3), None),
        ],
    )
    def test_two_inputs(self, model, change):
        x, y = change(X, Y)
        assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()

    @pytest.mark.parametrize("as_dataset", [False, True])
    def test_inputs_in_order(self, as_dataset):
        one, two = keras.Input((3,), name="one"), keras.Input((2,), name="two")
        model = mtl.MultiTaskModel([one, two], {"a": keras.layers.Dense(1)(keras.layers.Concatenate()([one, two]))})
        model.compile("sgd", loss={"a": "mse"})
        x, y = [np.ones((ROWS, 3)), np.ones((ROWS, 2))], {"a": Y["a"]}
        data = (tf.data.Dataset.from_tensor_slices((tuple(x), y)).batch(2),) if as_dataset else (x, y)
        model.fit(*data, verbose=0)
        with pytest.raises(ValueError, match=r"`x\['two'\]` must be an array. Received: a list"):
            model.fit([x[0], x[1].tolist()], y, verbose=0)

    @pytest.mark.parametrize("as_dataset", [False, True])
    def test_a_column_that_gets_an_axis(self, as_dataset):
        column = keras.Input((1,), name="column")
        model = mtl.MultiTaskModel(column, {"a": keras.layers.Dense(1)(column)})
        model.compile("sgd", loss={"a": "mse"})
        x, y = np.ones(ROWS, "float32"), {"a": np.ones(ROWS, "float32")}
        data = (tf.data.Dataset.from_tensor_slices((x, y)).batch(2),) if as_dataset else (x, y)
        assert np.isfinite(model.fit(*data, verbose=0).history["loss"]).all()

    @pytest.mark.parametrize("as_dataset", [False, True])
    def test_strings_for_an_input_of_strings(self, as_dataset):
        word = keras.Input((1,), name="word", dtype="string")
        ids = keras.layers.StringLookup(vocabulary=["no", "yes"])(word)
        model = mtl.MultiTaskModel(
            word, {"a": keras.layers.Dense(1)(keras.layers.Flatten()(keras.layers.Embedding(3, 2)(ids)))}
        )
        model.compile("sgd", loss={"a": "mse"})
        x, y = tf.constant([["no"], ["yes"]] * 2), {"a": np.ones(ROWS, "float32")}
        data = (tf.data.Dataset.from_tensor_slices((x, y)).batch(2),) if as_dataset else (x, y)
        assert np.isfinite(model.fit(*data, verbose=0).history["loss"]).all()
        expected = model.predict(tf.constant([["no"], ["yes"]]), verbose=0)["a"]
        for strings in (np.array([["no"], ["yes"]]), np.array([["no"], ["yes"]], object), pd.Series(["no", "yes"])):
            np.testing.assert_array_equal(model.predict(strings, verbose=0)["a"], expected)
        with pytest.raises(ValueError, match=r"`x` must be an array. Received: a list. Use `np.asarray"):
            model.predict([["no"]], verbose=0)
        with pytest.raises(ValueError, match=r"`x` must be a tensor, as Keras takes no strings of NumPy"):
            model.fit(np.array([["no"]]), {"a": np.ones(1)}, verbose=0)

    def test_an_array_of_labels_for_one_task(self):
        x = keras.Input((2,), name="x")
        model = mtl.MultiTaskModel(x, {"a": keras.layers.Dense(1)(x)})
        model.compile("sgd", loss={"a": "mse"})
        model.fit(X["size"], Y["a"], verbose=0)
        with pytest.raises(ValueError, match=r"`y\['a'\]` must be numbers. Received: dtype str"):
            model.fit(X["size"], np.array(["a", "b", "c", "d"]), verbose=0)


class TestNamesOfResults:
    @pytest.fixture(params=[None, "pcgrad"])
    def compiled(self, request):
        tasks = [mtl.Task("z", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
        model = mtl.build_model((2,), tasks, tower=keras.layers.Dense(2))
        model.compile("sgd", weighting=request.param)
        return model

    def test_are_those_of_the_list(self, compiled):
        x, y = X["size"], {"z": Y["a"], "b": Y["b"]}
        before = compiled.metrics_names
        by_name = compiled.evaluate(x, y, return_dict=True, verbose=0)
        values = compiled.evaluate(x, y, verbose=0)
        assert compiled.metrics_names == before
        assert dict(zip(compiled.metrics_names, values, strict=True)) == pytest.approx(by_name)
        compiled.fit(x, y, validation_data=(x, y), verbose=0)
        assert compiled.metrics_names == before
        assert before[0] == "loss"

    def test_follow_compile(self, compiled):
        compiled.evaluate(X["size"], {"z": Y["a"], "b": Y["b"]}, verbose=0)
        compiled.compile("sgd", metrics=[])
        assert compiled.metrics_names == ["loss", "b_loss", "z_loss"]


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize("kind", ["arrays", "dataset"])
def test_no_rows(method, kind):
    """Keras trains on nothing without a word."""
    model = mtl.build_model((3,), [mtl.Task("a", mtl.heads.Regression())])
    model.compile("sgd", metrics=[])
    arguments = np.zeros((0, 3)), {"a": np.zeros(0)}
    if kind == "dataset":
        arguments = (tf.data.Dataset.from_tensor_slices(arguments).batch(2),)
    with pytest.raises(ValueError, match=r"`x` must have at least one (row|batch)"):
        getattr(model, method)(*arguments, verbose=0)
