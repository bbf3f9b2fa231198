"""GradientConflict."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.callbacks import GradientConflict
from mtl_keras.weightings import GramianWeighting
from tests.helpers import toy
from tests.helpers.marks import first_fast

TASKS = ["digit", "odd", "marks", "ink"]


class Plain(GramianWeighting):
    """The sum, and the last Gramian."""

    def build(self, num_tasks):
        super().build(num_tasks)
        self.gramian = self.add_state("gramian", (num_tasks, num_tasks))

    def call(self, gramian, losses, present):
        self.gramian.assign(gramian)
        return present


def _linear(**arguments):
    """Three tasks on h = x · k, which is 0: the gradients for k are -y of a, 2 y of b and -y of c, times xᵀ."""
    x = keras.Input((2,))
    h = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="k")(x)
    heads = {"a": 1.0, "b": -2.0, "c": 1.0}
    outputs = {
        task: keras.layers.Dense(
            1, use_bias=False, kernel_initializer=keras.initializers.Constant(value), name=f"head_{task}"
        )(h)
        for task, value in heads.items()
    }
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(keras.optimizers.SGD(0.0), loss="mse", **arguments)
    y = {"a": np.array([3.0, 4.0]), "b": np.array([4.0, 3.0]), "c": np.array([-4.0, 3.0])}
    return model, np.eye(2), y


BY_HAND = np.array([[1.0, -24 / 25, 0.0], [-24 / 25, 1.0, 7 / 25], [0.0, 7 / 25, 1.0]])


@pytest.mark.graph
@pytest.mark.parametrize(
    "arguments",
    [{}, {"weighting": "pcgrad"}, {"weighting": "uncertainty"}, {"jit_compile": True}, {"run_eagerly": True}],
    ids=["sum", "pcgrad", "uncertainty", "xla", "eager"],
)
@pytest.mark.parametrize("fixed", first_fast([False, True]))
def test_a_linear_model_by_hand(arguments, fixed):
    model, x, y = _linear(**arguments)
    callback = GradientConflict(data=(x, y) if fixed else None)
    history = model.fit(x, y, batch_size=2, callbacks=[callback], verbose=0).history
    assert callback.cosines.shape == (1, 3, 3)
    np.testing.assert_allclose(callback.cosines[0], BY_HAND, atol=1e-6)
    assert history["cosine_a_b"] == [pytest.approx(-24 / 25)]
    assert history["cosine_a_c"] == [pytest.approx(0.0, abs=1e-6)]
    assert history["cosine_b_c"] == [pytest.approx(7 / 25)]
    assert not [name for name in history if "cosine_b_a" in name]


def _tower():
    """A tower with everything that a forward pass changes or draws."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Flatten(),
            layers.Dense(8, kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
            layers.ActivityRegularization(l2=0.1),
            layers.Dropout(0.4, seed=1),
        ]
    )


def _trained(callbacks, weighting, **arguments):
    keras.utils.set_random_seed(3)
    model = toy.model(tower=_tower(), optimizer=keras.optimizers.SGD(0.1), weighting=weighting, **arguments)
    x, y = toy.arrays()
    history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, callbacks=callbacks, verbose=0).history
    return model, history


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "every"),
    [({"weighting": None}, 2), ({"weighting": "pcgrad"}, 1), ({"weighting": None, "run_eagerly": True}, 2)],
    ids=["sum", "pcgrad", "eager"],
)
def test_training_is_as_without_it(arguments, every):
    model, history = _trained(None, **arguments)
    callbacks = [GradientConflict(every), GradientConflict(every, data=toy.arrays(seed=1))]
    other, recorded = _trained(callbacks, **arguments)
    for name, values in history.items():
        np.testing.assert_allclose(recorded[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    for one, v in zip(model.variables, other.variables, strict=True):
        if "int" in v.dtype:
            np.testing.assert_array_equal(one.numpy(), v.numpy(), err_msg=v.path)
        else:
            np.testing.assert_allclose(one.numpy(), v.numpy(), rtol=1e-5, atol=1e-6, err_msg=v.path)


def test_the_cosines_are_those_of_the_gramian_that_a_weighting_reads():
    """On the batch that is trained, under the same dropout."""
    weighting, seen = Plain(), []
    remember = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(weighting.gramian.numpy())
    )
    callback = GradientConflict()
    _, history = _trained([callback, remember], weighting)
    norms = [np.sqrt(np.diag(gramian)) for gramian in seen]
    expected = [gramian / np.outer(norm, norm) for gramian, norm in zip(seen, norms, strict=True)]
    np.testing.assert_allclose(callback.cosines, expected, atol=1e-5)
    pairs = np.triu_indices(4, 1)
    shares = [(matrix[pairs] < 0).mean() for matrix in callback.cosines]
    assert 0 < np.mean(shares) < 1
    np.testing.assert_allclose(history["conflict"], [np.mean(shares[:3]), np.mean(shares[3:])], rtol=1e-6)
    for (i, a), (j, b) in [((0, "digit"), (1, "odd")), ((1, "odd"), (3, "ink"))]:
        expected = [callback.cosines[:3, i, j].mean(), callback.cosines[3:, i, j].mean()]
        np.testing.assert_allclose(history[f"cosine_{a}_{b}"], expected, rtol=1e-6)


@pytest.mark.graph
def test_an_absent_task_is_nan_and_in_no_mean():
    """Three batches: b has labels in none, c in the second and the third."""
    model, x, y = _linear()
    x, y = np.tile(x, (3, 1)), {task: np.tile(values, 3) for task, values in y.items()}
    y["b"][:] = y["c"][:2] = np.nan
    callback = GradientConflict()
    data = mtl.data.from_arrays(x, y, batch_size=2)
    history = model.fit(data, callbacks=[callback], verbose=0).history
    nan = np.nan
    first = [[1, nan, nan], [nan, nan, nan], [nan, nan, nan]]
    later = [[1, nan, 0], [nan, nan, nan], [0, nan, 1]]
    np.testing.assert_allclose(callback.cosines, [first, later, later], atol=1e-6)
    assert history["cosine_a_c"] == [pytest.approx(0.0, abs=1e-6)]
    assert np.isnan(history["cosine_a_b"]).all()


def test_a_missing_label_is_in_no_gradient():
    """Without its second label the gradient of a is that of the first one alone, along the first axis."""
    model, x, y = _linear()
    y["a"][1] = np.nan
    callback = GradientConflict()
    model.fit(mtl.data.from_arrays(x, y, batch_size=2), callbacks=[callback], verbose=0)
    np.testing.assert_allclose(callback.cosines[0, 0], [1.0, -4 / 5, -4 / 5], atol=1e-6)


class TestEvery:
    """Ten rows in batches of two: five steps an epoch."""

    def _fit(self, callback, model=None, **arguments):
        model = model or _linear()[0]
        _, x, y = _linear()
        x, y = np.tile(x, (5, 1)), {task: np.tile(values, 5) for task, values in y.items()}
        arguments = {"batch_size": 2, "shuffle": False, "verbose": 0, **arguments}
        return model, model.fit(x, y, callbacks=[callback], **arguments).history

    @pytest.mark.parametrize(
        ("every", "steps", "epochs"),
        [
            (1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]),
            (2, [1, 3, 5, 7, 9], [0, 0, 0, 1, 1]),
            (5, [1, 6], [0, 1]),
        ],
    )
    @pytest.mark.parametrize("fixed", first_fast([False, True]))
    def test_counts_over_epochs(self, every, steps, epochs, fixed):
        callback = GradientConflict(every, data=_linear()[1:] if fixed else None)
        self._fit(callback, epochs=2)
        assert (callback.steps, callback.epochs) == (steps, epochs)
        np.testing.assert_allclose(callback.cosines, [BY_HAND] * len(steps), atol=1e-6)

    @pytest.mark.graph
    @pytest.mark.parametrize(("executed", "every"), first_fast([(3, 2), (2, 1), (3, 7), (5, 2)]))
    def test_all_are_kept_under_steps_per_execution(self, executed, every):
        callback = GradientConflict(every)
        self._fit(callback, _linear(steps_per_execution=executed)[0], epochs=2)
        assert callback.steps == list(range(1, 11, every))
        np.testing.assert_allclose(callback.cosines, [BY_HAND] * len(callback.steps), atol=1e-6)

    def test_an_epoch_without_a_record_is_nan_in_the_history(self):
        _, history = self._fit(GradientConflict(10), epochs=3)
        np.testing.assert_allclose(history["cosine_a_b"], [-24 / 25, np.nan, -24 / 25], atol=1e-6)

    def test_a_second_fit_goes_on(self):
        callback = GradientConflict(3)
        model, _ = self._fit(callback)
        _, history = self._fit(callback, model)
        assert callback.steps == [1, 4, 7, 10]
        assert callback.epochs == [0, 0, 0, 0]
        assert callback.cosines.shape == (4, 3, 3)
        assert len(history["cosine_a_b"]) == 1

    def test_a_loaded_model_goes_on(self, tmp_path):
        model, _ = self._fit(GradientConflict(3))
        model.save(tmp_path / "model.keras")
        callback = GradientConflict(3)
        self._fit(callback, keras.models.load_model(tmp_path / "model.keras"), initial_epoch=1, epochs=2)
        assert (callback.steps, callback.epochs) == ([7, 10], [1, 1])

    @pytest.mark.filterwarnings("ignore:Your input ran out of data")  # of Keras, which begins a step too many
    @pytest.mark.parametrize("every", first_fast([2, 5]))
    @pytest.mark.parametrize("fixed", first_fast([True, False]))
    def test_a_stream_of_unknown_length(self, every, fixed):
        model, x, y = _linear()
        callback = GradientConflict(every, data=(x, y) if fixed else None)
        data = tf.data.Dataset.from_generator(
            lambda: ((x, y) for _ in range(5)),
            output_signature=(
                tf.TensorSpec((2, 2), tf.float32),
                {task: tf.TensorSpec((2,), tf.float32) for task in y},
            ),
        )
        model.fit(data, epochs=2, callbacks=[callback], verbose=0)
        assert callback.steps == list(range(1, 11, every))

    @pytest.mark.graph
    def test_the_next_fit_is_without_it(self):
        model, _ = self._fit(GradientConflict())
        assert model.probes == []
        _, history = self._fit(keras.callbacks.Callback(), model)
        assert not [name for name in history if name.startswith("cosine_")]


@pytest.mark.slow
@pytest.mark.graph
def test_nothing_is_compared_while_all_that_is_shared_is_frozen():
    model, x, y = _linear()
    callback = GradientConflict()
    model.fit(x, y, epochs=3, callbacks=[mtl.callbacks.Freeze("shared", 1, 2), callback], verbose=0)
    np.testing.assert_allclose(callback.cosines, [BY_HAND, np.full((3, 3), np.nan), BY_HAND], atol=1e-6)


@pytest.mark.parametrize("form", first_fast(["weights", "batch", "dataset"]))
def test_a_batch_of_its_own(form):
    """Only b differs between the batch that is trained and the one that is compared."""
    model, x, y = _linear()
    own = {**y, "b": -y["b"]}
    data = {
        "batch": (x, own),
        "weights": (x, y, {"a": np.ones(2), "b": np.ones(2), "c": np.array([1.0, 0.0])}),
        "dataset": tf.data.Dataset.from_tensor_slices((x, own)).batch(2).concatenate(
            tf.data.Dataset.from_tensor_slices((x, y)).batch(2)
        ),
    }[form]  # fmt: skip
    callback = GradientConflict(data=data)
    model.fit(x, y, batch_size=1, epochs=2, callbacks=[callback], verbose=0)
    assert callback.steps == [1, 2, 3, 4]
    expected = [-24 / 25, -3 / 5] if form == "weights" else [24 / 25, 0.0]
    np.testing.assert_allclose(callback.cosines[:, 0, 1:], [expected] * 4, atol=1e-6)
    assert model.probes == []


@pytest.mark.graph
@pytest.mark.parametrize("jit_compile", [False, True], ids=["sparse", "dense"])
def test_gradients_of_embeddings(jit_compile):
    """Tokens 0 and 1 are in both tasks' gradients: the table's gradient of a task is Σ over its rows."""
    tokens = keras.Input((1,), dtype="int32")
    h = keras.layers.Flatten()(keras.layers.Embedding(9, 1, embeddings_initializer="zeros")(tokens))
    outputs = {t: keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name=t)(h) for t in "ab"}
    model = mtl.MultiTaskModel(tokens, outputs)
    model.compile(keras.optimizers.SGD(0.1), loss="mse", jit_compile=jit_compile)
    callback = GradientConflict()
    x, y = np.array([[0], [1], [1]]), {"a": np.array([3.0, 1.0, 3.0]), "b": np.array([4.0, 1.0, 2.0])}
    model.fit(x, y, callbacks=[callback], verbose=0)
    np.testing.assert_allclose(callback.cosines[0, 0, 1], 24 / 25, atol=1e-6)


@pytest.mark.graph
def test_mixed_precision():
    """Gradients that float16 cannot hold without the optimizer's scale."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, x, y = _linear()
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0))
    model.compile(optimizer, loss="mse", loss_weights=dict.fromkeys("abc", 1e-7))
    callback = GradientConflict()
    model.fit(x, y, batch_size=2, callbacks=[callback], verbose=0)
    np.testing.assert_allclose(callback.cosines[0], BY_HAND, atol=2e-3)


def _rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


class TestCSV:
    def _fit(self, path, model=None, **arguments):
        callback = GradientConflict(path=path)
        default, x, y = _linear()
        (model or default).fit(x, y, batch_size=2, callbacks=[callback], verbose=0, **arguments)
        return model or default

    def test_one_row_a_pair(self, tmp_path):
        self._fit(tmp_path / "new" / "c.csv", epochs=2)
        header, *rows = _rows(tmp_path / "new" / "c.csv")
        assert header == ["epoch", "step", "task_a", "task_b", "cosine"]
        assert [row[:4] for row in rows] == [
            [epoch, step, *pair] for epoch, step in ("01", "12") for pair in ("ab", "ac", "bc")
        ]
        np.testing.assert_allclose([float(row[4]) for row in rows], [-24 / 25, 0.0, 7 / 25] * 2, atol=1e-6)

    def test_a_resumed_training_appends(self, tmp_path):
        path = tmp_path / "c.csv"
        model = self._fit(path)
        model.save(tmp_path / "model.keras")
        self._fit(path, keras.models.load_model(tmp_path / "model.keras"), initial_epoch=1, epochs=3)
        rows = _rows(path)
        assert len(rows) == 1 + 3 * 3
        assert [row[:2] for row in rows[1::3]] == [["0", "1"], ["1", "2"], ["2", "3"]]

    def test_a_new_training_starts_afresh(self, tmp_path):
        path = tmp_path / "c.csv"
        self._fit(path, epochs=4)
        self._fit(path)
        assert len(_rows(path)) == 1 + 3

    def test_a_file_of_something_else_stays(self, tmp_path):
        path = tmp_path / "c.csv"
        path.write_text("loss\n1.0\n")
        with pytest.raises(ValueError, match=r"`path` names a file with the columns \['loss'\].*Use another file"):
            self._fit(path, initial_epoch=1, epochs=2)
        assert path.read_text() == "loss\n1.0\n"


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "epoch", None])
def test_bad_every(every):
    with pytest.raises(ValueError, match=r"`every` must be an integer of at least 1. Received:"):
        GradientConflict(every)


class TestModelsThatDoNotSuit:
    def test_of_keras(self):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"`GradientConflict` needs a mtl_keras.MultiTaskModel. Received: Sequen"):
            model.fit(np.eye(2), np.ones(2), callbacks=[GradientConflict()], verbose=0)

    def test_that_share_nothing(self):
        model = toy.model(sharing="single_task")
        with pytest.raises(ValueError, match=r"two tasks that share variables.*\['digit', .* and 0 shared variables"):
            model.fit(*toy.arrays(), callbacks=[GradientConflict()], verbose=0)

    def test_of_other_tasks(self):
        callback = GradientConflict()
        model, x, y = _linear()
        model.fit(x, y, callbacks=[callback], verbose=0)
        with pytest.raises(ValueError, match=r"has a record of the tasks \['a', 'b', 'c'\].*Make a new one"):
            toy.model().fit(*toy.arrays(), callbacks=[callback], verbose=0)
