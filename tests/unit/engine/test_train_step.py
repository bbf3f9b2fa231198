"""The training step under a weighting: what it reads, and what it makes of the answer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import mtl_keras as mtl
from mtl_keras.engine.tensorflow import jacobian
from mtl_keras.weightings import GradientAggregator, GramianWeighting, HalvesWeighting, LossScalarizer
from tests.helpers import graphs, toy
from tests.helpers.marks import first_fast

WEIGHTS = np.array([2.0, 0.5, 1.5, 3.0], "float32")  # for digit, odd, marks, ink
RATE = 0.1


@keras.saving.register_keras_serializable("tests")
class Given(GramianWeighting):
    """Answers with given weights, and remembers what it read."""

    def build(self, num_tasks):
        super().build(num_tasks)
        self.gramian = self.add_weight(name="gramian", shape=(num_tasks, num_tasks), trainable=False)
        self.losses_read = self.add_weight(name="losses_read", shape=(num_tasks,), trainable=False)
        self.calls = self.add_weight(name="calls", shape=(), initializer="zeros", trainable=False)

    def call(self, gramian, losses, present):
        self.gramian.assign(gramian)
        self.losses_read.assign(losses)
        self.calls.assign_add(1.0)
        return ops.convert_to_tensor(WEIGHTS[: self.num_tasks]) * present


class GivenRows(GradientAggregator):
    """The same sum of the rows."""

    def call(self, rows, losses, present):
        return ops.matmul(ops.convert_to_tensor(WEIGHTS) * present, rows)


class GivenHalves(HalvesWeighting):
    """The same weights, and the cross-Gramian that was read."""

    def build(self, num_tasks):
        super().build(num_tasks)
        self.cross = self.add_weight(name="cross", shape=(num_tasks, num_tasks), trainable=False)

    def call(self, cross, losses, present):
        self.cross.assign(cross)
        return ops.convert_to_tensor(WEIGHTS[: self.num_tasks]) * present


class GivenSum(LossScalarizer):
    """The same weights, on the losses."""

    def call(self, losses, present):
        return ops.sum(losses * ops.convert_to_tensor(WEIGHTS) * present)


def _model(weighting, **arguments):
    keras.utils.set_random_seed(3)
    return toy.model(optimizer=keras.optimizers.SGD(RATE), weighting=weighting, **arguments)


def _task_gradients(model, x, y, weights=None, rows=slice(None)):
    """Returns {task: gradients of loss_weight · loss for all variables}, each from a forward pass of its own."""
    variables = model.trainable_variables
    result = {}
    for task, objective in model.objectives.items():
        with tf.GradientTape() as tape:
            y_pred = model(x[rows], training=True)[task]
            weight = None if weights is None else weights[task][rows]
            label = y[task][rows]
            if weight is not None:
                label, y_pred = label[weight > 0], tf.boolean_mask(y_pred, weight > 0)
            loss = objective.loss_weight * objective.loss_function(label, y_pred)
        gradients = tape.gradient(loss, variables)
        result[task] = [
            np.zeros(v.shape) if g is None else tf.convert_to_tensor(g).numpy()
            for g, v in zip(gradients, variables, strict=True)
        ]
    return result


def _rows(model, gradients):
    """Returns J [T, P] over the shared variables."""
    shared = {id(v) for v in model.partition.shared}
    keep = [i for i, v in enumerate(model.trainable_variables) if id(v) in shared]
    return np.stack([np.concatenate([g[i].ravel() for i in keep]) for g in gradients.values()])


def _expected(model, gradients, apply_to="shared"):
    """Returns the variables after a step of SGD by the definition."""
    owner = {id(v): task for task, own in model.partition.own.items() for v in own}
    tasks = list(gradients)
    expected = []
    for i, v in enumerate(model.trainable_variables):
        weights = dict(zip(tasks, WEIGHTS[: len(tasks)], strict=True))
        if id(v) in owner and apply_to == "shared":
            weights = dict.fromkeys(tasks, 1.0)
        expected.append(v.numpy() - RATE * sum(weights[task] * gradients[task][i] for task in tasks))
    return expected


def _step(model, x, y, weights=None):
    model.fit(x, y, batch_size=len(x), sample_weight=weights, shuffle=False, verbose=0)


def _assert_variables(model, expected, atol=1e-6):
    for variable, value in zip(model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-5, atol=atol, err_msg=variable.path)


@pytest.mark.parametrize(
    ("weighting", "apply_to"),
    [
        pytest.param(Given, "shared", marks=pytest.mark.graph),
        (Given, "all"),
        pytest.param(GivenRows, "shared", marks=pytest.mark.graph),
        (GivenHalves, "shared"),
        pytest.param(GivenSum, "all", marks=pytest.mark.graph),
    ],
)
@pytest.mark.parametrize("level", ["parameters", "features"])
def test_the_update_is_the_weighted_sum_of_the_gradients(weighting, apply_to, level):
    if level == "features" and weighting in (GivenRows, GivenSum):
        pytest.skip("reads no features")
    x, y = toy.arrays()
    model = _model(weighting(), level=level, **({"apply_to": apply_to} if weighting is Given else {}))
    expected = _expected(model, _task_gradients(model, x, y), apply_to)
    _step(model, x, y)
    _assert_variables(model, expected)


def test_the_gramian_is_that_of_the_losses_times_their_weights():
    x, y = toy.arrays()
    model = _model(Given(), loss_weights={"digit": 4.0})
    rows = _rows(model, _task_gradients(model, x, y))
    losses = model.evaluate(x, y, return_dict=True, verbose=0)
    _step(model, x, y)
    np.testing.assert_allclose(model.weighting.gramian.numpy(), rows @ rows.T, rtol=1e-4, atol=1e-6)
    expected = [losses[f"{task}_loss"] * o.loss_weight for task, o in model.objectives.items()]
    np.testing.assert_allclose(model.weighting.losses_read.numpy(), expected, rtol=1e-5)


def test_the_cross_gramian_is_that_of_the_halves():
    x, y = toy.arrays()
    model = _model(GivenHalves())
    first, second = (
        _rows(model, _task_gradients(model, x, y, rows=half)) for half in (slice(0, None, 2), slice(1, None, 2))
    )
    _step(model, x, y)
    np.testing.assert_allclose(model.weighting.cross.numpy(), first @ second.T, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("slices", [4, 5])  # of which one leaves a rest
@pytest.mark.parametrize("weighting", [Given, GivenHalves])
def test_large_blocks_are_multiplied_in_slices(weighting, slices, monkeypatch):
    monkeypatch.setattr(jacobian, "LARGE", 5)  # the kernel, but not the bias of the tower
    monkeypatch.setattr(jacobian, "SLICES", slices)
    x, y = toy.arrays()
    model = _model(weighting())
    expected = _expected(model, _task_gradients(model, x, y), "shared")
    halves = [_rows(model, _task_gradients(model, x, y, rows=half)) for half in (slice(0, None, 2), slice(1, None, 2))]
    whole = _rows(model, _task_gradients(model, x, y))
    _step(model, x, y)
    _assert_variables(model, expected)
    found, rows = (
        (model.weighting.gramian, (whole, whole)) if weighting is Given else (model.weighting.cross, tuple(halves))
    )
    np.testing.assert_allclose(found.numpy(), rows[0] @ rows[1].T, rtol=1e-4, atol=1e-6)


@pytest.mark.graph
@pytest.mark.parametrize(
    ("large", "slices", "xla"), first_fast([(5, 4, False), (5, 5, True), (jacobian.LARGE, 4, False)])
)
def test_a_method_by_columns_gets_large_blocks_in_slices(large, slices, xla, monkeypatch):
    """The mean of four entries without the largest and the smallest one, and the conflict after it."""
    monkeypatch.setattr(jacobian, "LARGE", large)
    monkeypatch.setattr(jacobian, "SLICES", slices)
    x, y = toy.arrays()
    model = _model("trimmed_mean", jit_compile=xla)
    sizes = [int(np.prod(v.shape)) for v in model.partition.shared if np.prod(v.shape) >= 5]
    assert sizes
    assert all((size % 4, size % 5 > 0) == (0, True) for size in sizes)  # without and with a rest
    rows = _rows(model, _task_gradients(model, x, y))
    direction = np.sort(rows, axis=0)[1:3].mean(axis=0)
    before = np.concatenate([v.numpy().ravel() for v in model.partition.shared])
    history = model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0).history
    after = np.concatenate([v.numpy().ravel() for v in model.partition.shared])
    np.testing.assert_allclose(after, before - RATE * direction, rtol=1e-5, atol=1e-6)
    assert history["conflict_after"] == [pytest.approx(np.mean(rows @ direction < 0))]


def test_features_are_where_the_tasks_part():
    x, y = toy.arrays()
    model = _model(Given(), level="features")
    features = model.get_layer("shared_dense1_activation").output
    split = keras.Model(model.input, {"y": dict(model.output), "z": features})
    gradients = []
    for task, objective in model.objectives.items():
        with tf.GradientTape() as tape:
            out = split(x)
            loss = objective.loss_weight * objective.loss_function(y[task], out["y"][task])
        gradients.append(np.asarray(tape.gradient(loss, out["z"])).ravel())
    rows = np.stack(gradients)
    _step(model, x, y)
    np.testing.assert_allclose(model.weighting.gramian.numpy(), rows @ rows.T, rtol=1e-4, atol=1e-7)


def _parting(how):
    """Returns the outputs {"a", "b", "c"} of a model on three numbers, whose tasks part in different ways."""
    image = keras.Input((3,), name="x")
    dense = keras.layers.Dense
    trunk = dense(4, "tanh")(image)
    if how == "side by side":  # two features, neither computed from the other
        left, right = dense(3, "tanh")(trunk), dense(2, "tanh")(trunk)
        both = keras.layers.Concatenate()([left, right])
        outputs = [dense(1)(left), dense(1)(right), dense(1)(both)]
    elif how == "one behind another":
        branch = dense(3, "tanh")(trunk)
        outputs = [dense(1)(trunk), dense(1)(branch), dense(1)(branch)]
    else:  # a layer of all tasks after each one's own
        last = dense(1)
        outputs = [last(dense(2)(trunk)) for _ in range(3)]
    return image, {task: keras.layers.Identity(name=task)(output) for task, output in zip("abc", outputs, strict=True)}


@pytest.mark.parametrize(
    ("how", "cut"), [("side by side", True), ("one behind another", False), ("shared after own", False)]
)
@pytest.mark.parametrize("weighting", [Given, GivenHalves])
def test_the_update_is_exact_wherever_the_tasks_part(how, cut, weighting):
    keras.utils.set_random_seed(5)
    random = np.random.default_rng(0)
    model = mtl.MultiTaskModel(*_parting(how))
    model.compile(keras.optimizers.SGD(RATE), loss="mse", weighting=weighting(), level="features")
    x = random.normal(size=(8, 3)).astype("float32")
    y = {task: random.normal(size=(8, 1)).astype("float32") for task in "abc"}
    assert model.plan.cut is cut
    expected = _expected(model, _task_gradients(model, x, y))
    _step(model, x, y)
    _assert_variables(model, expected)


@pytest.mark.parametrize("level", ["parameters", "features"])
@pytest.mark.parametrize("weighting", [Given, GivenHalves])
def test_missing_labels_are_in_no_row(weighting, level):
    x, y = toy.arrays()
    weights = {task: np.ones(len(x), "float32") for task in y}
    weights["digit"][:7] = 0.0
    weights["odd"][5:] = 0.0
    model = _model(weighting(), level=level)
    expected = _expected(model, _task_gradients(model, x, y, weights))
    _step(model, x, y, weights)
    _assert_variables(model, expected)


def test_an_absent_task_is_absent():
    x, y = toy.arrays()
    weights = {task: np.full(len(x), float(task != "odd"), "float32") for task in y}
    model = _model(Given())
    gradients = _task_gradients(model, x, y)
    gradients["odd"] = [np.zeros_like(g) for g in gradients["odd"]]
    expected = _expected(model, gradients)
    _step(model, x, y, weights)
    _assert_variables(model, expected)
    assert not model.weighting.gramian.numpy()[1].any()
    assert not model.weighting.gramian.numpy()[:, 1].any()


def test_regularization_gets_its_plain_gradient_and_is_in_no_row():
    x, y = toy.arrays()
    plain, regular = [], []
    for found, strength in ((plain, 0.0), (regular, 0.1)):
        keras.utils.set_random_seed(3)
        tower = keras.Sequential(
            [keras.layers.Flatten(), keras.layers.Dense(8, "tanh", kernel_regularizer=keras.regularizers.L2(strength))]
        )
        model = toy.model(tower=tower, optimizer=keras.optimizers.SGD(RATE), weighting=Given())
        kernel = tower.layers[-1].kernel
        found.append(kernel.numpy())
        _step(model, x, y)
        found.extend([kernel.numpy(), model.weighting.gramian.numpy()])
    np.testing.assert_allclose(regular[1], plain[1] - RATE * 2 * 0.1 * plain[0], atol=1e-6)
    np.testing.assert_allclose(regular[2], plain[2], rtol=1e-6)


@pytest.mark.parametrize("level", ["parameters", pytest.param("features", marks=pytest.mark.graph)])
def test_every_renews_the_weights_every_k_steps(level):
    x, y = toy.arrays()
    model = _model(Given(), every=3, level=level)
    for step in range(5):
        expected = _expected(model, _task_gradients(model, x, y))
        _step(model, x, y)
        _assert_variables(model, expected)
        assert model.weighting.calls.numpy() == step // 3 + 1


def _lookups(num_rows=30):
    """Returns a model of two tasks on the mean of five rows of a table, and a batch that looks up twelve of them."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 12, (16, 5))
    y = {"a": rng.normal(size=16).astype("float32"), "b": rng.integers(0, 2, 16)}
    keras.utils.set_random_seed(3)
    tower = keras.Sequential([mtl.layers.LargeEmbedding(num_rows, 4), keras.layers.GlobalAveragePooling1D()])
    tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Binary())]
    return mtl.build_model(keras.Input((5,), dtype="int32", name="tokens"), tasks, tower=tower), tokens, y


@pytest.mark.parametrize("weighting", [Given, GivenHalves])
@pytest.mark.parametrize(
    "arguments",
    [{}, pytest.param({"jit_compile": True}, marks=pytest.mark.graph), {"every": 2}, {"chunk_size": 1}],
    ids=["sparse", "dense", "every", "chunks"],
)
def test_gradients_of_embeddings(arguments, weighting):
    model, tokens, y = _lookups()
    model.compile(keras.optimizers.SGD(RATE), weighting=weighting(), metrics=[], **arguments)
    table = model.partition.shared[0]
    before = table.numpy()

    def gradients(rows):
        found = []
        for task, loss in (("a", "mse"), ("b", "binary_crossentropy")):
            with tf.GradientTape() as tape:
                value = keras.ops.mean(keras.losses.get(loss)(y[task][rows, None], model(tokens[rows])[task]))
            found.append(tf.convert_to_tensor(tape.gradient(value, table)).numpy())
        return found, np.stack([row.ravel() for row in found])

    (of_a, of_b), rows = gradients(slice(None))
    (_, even), (_, odd) = gradients(slice(0, None, 2)), gradients(slice(1, None, 2))
    _step(model, tokens, y)
    given = model.weighting
    found, expected = (given.gramian, rows @ rows.T) if weighting is Given else (given.cross, even @ odd.T)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(table.numpy(), before - RATE * (2.0 * of_a + 0.5 * of_b), atol=1e-6)


@pytest.mark.graph
@pytest.mark.parametrize(
    "arguments",
    first_fast(
        [
            {"weighting": "pcgrad", "every": 2},
            {"weighting": "modo"},
            {},
            {"weighting": "uncertainty"},
            {"weighting": "pcgrad"},
            {"weighting": "pcgrad", "level": "features"},
            {"weighting": "pcgrad", "chunk_size": 1},
            {"weighting": "pcgrad", "apply_to": "all"},
        ],
        2,
    ),
    ids=lambda arguments: " ".join(map(str, arguments.values())) or "plain",
)
def test_no_step_touches_a_table_as_a_whole(arguments):
    """No node in the graph reads a tensor of its length, which is 3001."""
    model, tokens, y = _lookups(3001)
    model.compile(keras.optimizers.SGD(RATE), metrics=[], **arguments)
    batch = tf.nest.map_structure(tf.constant, (tokens, y))
    lengths = graphs.lengths(graphs.nodes(model.train_step, batch))
    assert 16 in lengths  # the batch
    assert 3001 not in lengths


@pytest.mark.parametrize("chunk_size", [None, 1, 2])
def test_gradients_of_lookups_that_differ(chunk_size):
    """One task reads the left column, one both, and one the right column alone."""
    table, dense = keras.layers.Embedding(9, 2), keras.layers.Dense
    tokens = keras.Input((2,), dtype="int32")
    left, right = dense(2, "tanh")(table(tokens[:, 0])), table(tokens[:, 1])
    outputs = {"a": dense(1)(left), "b": dense(1)(left + right), "c": dense(1)(right)}
    model = mtl.MultiTaskModel(tokens, outputs)
    model.compile(keras.optimizers.SGD(RATE), loss="mse", weighting=Given(), chunk_size=chunk_size)
    x = np.array([[7, 0], [1, 8], [7, 3], [3, 0]])
    y = {task: np.random.default_rng(0).normal(size=(4, 1)).astype("float32") for task in outputs}
    gradients = _task_gradients(model, x, y)
    expected, rows = _expected(model, gradients), _rows(model, gradients)
    _step(model, x, y)
    _assert_variables(model, expected)
    np.testing.assert_allclose(model.weighting.gramian.numpy(), rows @ rows.T, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("weighting", [Given, GivenHalves])
@pytest.mark.parametrize("size", [1, 3, pytest.param(2, marks=[pytest.mark.graph, pytest.mark.slow]), 9])  # of 4 or 8
def test_gradients_in_chunks_are_the_same(weighting, size):
    x, y = toy.arrays()
    weights = {task: np.ones(len(x), "float32") for task in y}
    weights["digit"][:7] = 0.0
    found = []
    for arguments in ({}, {"chunk_size": size}):
        model = _model(weighting(), **arguments)
        expected = _expected(model, _task_gradients(model, x, y, weights))
        _step(model, x, y, weights)
        _assert_variables(model, expected)
        found.append((model.weighting.gramian if weighting is Given else model.weighting.cross).numpy())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "weighting", [Given, GivenRows, *(pytest.param(w, marks=pytest.mark.graph) for w in (GivenHalves, GivenSum))]
)
def test_a_step_that_is_not_finite_leaves_weights_optimizer_and_state(weighting):
    x, y = toy.arrays()
    model = toy.model(weighting=weighting(), optimizer=keras.optimizers.SGD(RATE, momentum=0.9))
    model.fit(x, y, verbose=0)
    before = [v.numpy() for v in [*model.variables, *model.optimizer.variables]]
    y["ink"][3] = np.nan
    history = model.fit(x, y, verbose=0)
    assert history.history["skipped_steps"] == [1.0]
    for value, v in zip(before, [*model.variables, *model.optimizer.variables], strict=True):
        np.testing.assert_array_equal(value, v.numpy(), err_msg=v.path)


def test_a_skipped_step_is_counted_and_in_no_mean():
    x, y = toy.arrays()
    half = len(x) // 2
    y["ink"][-1] = np.nan
    found = []
    for rows in (half, len(x)):  # without and with the batch that is skipped
        model = _model("pcgrad")
        data = {task: labels[:rows] for task, labels in y.items()}
        history = model.fit(x[:rows], data, batch_size=half, shuffle=False, verbose=0).history
        found.append({name: value for name, value in history.items() if "_weight" in name or "conflict" in name})
        found[-1]["last"] = model.plan.logged_weights.numpy().tolist()
    assert history["skipped_steps"] == [1.0]
    assert found[0] == found[1]
    assert len(found[0]) == 7


@pytest.mark.graph
def test_nonfinite_raise_stops():
    x, y = toy.arrays()
    y["ink"][3] = np.nan
    model = toy.model(weighting=Given(), nonfinite="raise")
    with pytest.raises(tf.errors.InvalidArgumentError, match="A loss or gradient is not finite"):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_reads_unscaled_gradients(policy):
    x, y = toy.arrays()
    found = []
    for name in ("float32", policy):
        keras.config.set_dtype_policy(name)
        try:
            optimizer = keras.optimizers.SGD(RATE)
            if name == "mixed_float16":
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64.0)
            keras.utils.set_random_seed(3)
            model = toy.model(optimizer=optimizer, weighting=Given())
            _step(model, x, y)
        finally:
            keras.config.set_dtype_policy("float32")
        found.append((model.weighting.gramian.numpy(), [v.numpy() for v in model.trainable_variables]))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=0.05, atol=0.02)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(one, other, atol=0.01)


@pytest.mark.graph
def test_an_overflow_in_float16_skips_the_step_and_the_state():
    x, y = toy.arrays()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(RATE), initial_scale=1e30)
        model = toy.model(optimizer=optimizer, weighting=Given())
        model.optimizer.build(model.trainable_variables)
        before = [v.numpy() for v in model.variables]
        history = model.fit(x, y, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert history.history["skipped_steps"] == [1.0]
    for value, v in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, v.numpy(), err_msg=v.path)
    assert float(model.optimizer.dynamic_scale) == pytest.approx(0.5e30)


def test_logs_of_a_step():
    x, y = toy.arrays()
    model = _model(Given(), loss_weights={"odd": 0.5, "ink": 1.0})
    rows = _rows(model, _task_gradients(model, x, y))
    gramian = rows @ rows.T
    total = model.evaluate(x, y, return_dict=True, verbose=0)["loss"]
    history = model.fit(x, y, batch_size=len(x), validation_data=(x, y), verbose=0).history
    assert history["loss"][0] == pytest.approx(total, rel=1e-5)
    assert [history[f"{task}_weight"][0] for task in ("digit", "odd", "marks", "ink")] == [2.0, 0.25, 1.5, 3.0]
    pairs = gramian[np.triu_indices(4, 1)]
    assert history["conflict"] == [pytest.approx((pairs < 0).mean())]
    assert history["conflict_after"] == [pytest.approx((gramian @ WEIGHTS < 0).mean())]
    assert history["skipped_steps"] == [0.0]
    assert not [name for name in history if name.startswith("val_") and ("weight" in name or "conflict" in name)]


def test_clipping_acts_on_the_combined_gradient():
    x, y = toy.arrays()
    keras.utils.set_random_seed(3)
    model = toy.model(optimizer=keras.optimizers.SGD(RATE, global_clipnorm=0.01), weighting=Given())
    before = [v.numpy() for v in model.trainable_variables]
    expected = [(e - b) / RATE for e, b in zip(_expected(model, _task_gradients(model, x, y)), before, strict=True)]
    norm = np.sqrt(sum((e**2).sum() for e in expected))
    _step(model, x, y)
    _assert_variables(model, [b + RATE * e * 0.01 / norm for e, b in zip(expected, before, strict=True)])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"weighting": Given(), "level": "layers"}, "`level` must be one of"),
        ({"weighting": Given(), "every": 0}, "`every` must be an integer of at least 1"),
        ({"weighting": Given(), "apply_to": "none"}, "`apply_to` must be one of"),
        ({"weighting": Given(), "nonfinite": "ignore"}, "`nonfinite` must be one of"),
        ({"weighting": 3}, "`weighting` must be a look-up string or a member of"),
        ({"weighting": GivenSum(), "level": "features"}, "`level` does not apply to GivenSum, which reads losses only"),
        ({"weighting": Given(), "chunk_size": 0}, "`chunk_size` must be an integer of at least 1"),
        ({"weighting": GivenSum(), "chunk_size": 2}, "`chunk_size` does not apply to GivenSum, which reads losses"),
        ({"weighting": GivenRows(), "chunk_size": 2}, "`chunk_size` does not apply to GivenRows, which returns no"),
        ({"weighting": Given(), "chunk_size": 2, "level": "features"}, "does not apply to `level=.features.`"),
        ({"weighting": GivenSum(), "every": 2}, "`every` does not apply to GivenSum"),
        ({"weighting": GivenSum(), "apply_to": "shared"}, "`apply_to` does not apply to GivenSum"),
        ({"weighting": GivenRows(), "every": 2}, "`every` does not apply to GivenRows, which returns no weights"),
        ({"weighting": GivenRows(), "level": "features"}, "does not apply to GivenRows"),
        ({"weighting": Given(), "sharing": "single_task"}, "the tasks share none"),
        (
            {"weighting": Given(), "optimizer": keras.optimizers.SGD(gradient_accumulation_steps=2)},
            "`gradient_accumulation_steps` adds up",
        ),
    ],
)
def test_errors(arguments, error):
    with pytest.raises(ValueError, match=error):
        toy.model(**arguments)


def test_features_need_a_part_of_ones_own():
    image = keras.Input((3,), name="image")
    a = keras.layers.Dense(1, name="a")(keras.layers.Dense(4)(image))
    b = keras.layers.Dense(1, name="b")(a)
    model = mtl.MultiTaskModel(image, {"a": a, "b": b})
    with pytest.raises(ValueError, match=r"output of task 'a' is computed from what other tasks use"):
        model.compile("sgd", loss="mse", weighting=Given(), level="features")


def test_one_task_trains_the_plain_gradient():
    x, y = toy.arrays()
    found = []
    for weighting in (None, Given()):
        keras.utils.set_random_seed(3)
        model = mtl.build_model(toy.SHAPE, [mtl.Task("odd", mtl.heads.Binary())])
        model.compile("sgd", weighting=weighting)
        model.fit(x, y["odd"], verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_compile_again_forgets_the_weighting_before():
    model = toy.model(weighting=Given())
    before = len(model.variables)
    model.compile("sgd", weighting=Given())
    assert len(model.variables) == before
    model.compile("sgd")
    assert len(model.variables) == before - 3  # the three of `Given`


def test_a_variable_that_some_tasks_reach_has_rows_of_zero_for_the_others():
    keras.utils.set_random_seed(3)
    image = keras.Input((3,), name="image")
    first = keras.layers.Dense(4, "tanh", name="first")(image)
    second = keras.layers.Dense(4, "tanh", name="second")(first)
    outputs = {
        "a": keras.layers.Dense(1, name="a")(first),
        "b": keras.layers.Dense(1, name="b")(second),
        "c": keras.layers.Dense(1, name="c")(second),
    }
    for level in ("parameters", "features"):
        model = mtl.MultiTaskModel(image, outputs)
        model.compile(keras.optimizers.SGD(RATE), loss="mse", weighting=Given(), level=level)
        x, y = np.ones((4, 3)), {task: np.arange(4.0) for task in "abc"}
        gradients = _task_gradients(model, x, {task: label[:, None] for task, label in y.items()})
        assert [v.path for v in model.partition.shared] == [
            f"{name}/{part}" for name in ("first", "second") for part in ("kernel", "bias")
        ]
        rows, old = _rows(model, gradients), [v.numpy() for v in model.partition.shared]
        _step(model, x, y)
        if level == "parameters":
            np.testing.assert_allclose(model.weighting.gramian.numpy(), rows @ rows.T, rtol=1e-4)
        flat = np.concatenate([v.ravel() for v in old]) - RATE * WEIGHTS[:3] @ rows
        new = np.concatenate([v.numpy().ravel() for v in model.partition.shared])
        np.testing.assert_allclose(new, flat, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"weighting": Given()}, "Given: 4 tasks, 296 shared parameters, 4 backward passes through them; a step costs "
         "about 3.0 times that of the plain sum."),
        ({"weighting": Given(), "level": "features"}, "1 backward pass through them; a step costs about 1.0 times"),
        ({"weighting": Given(), "chunk_size": 2}, "7 backward passes through them; a step costs about 5.0"),
        ({"weighting": Given(), "every": 10}, "every 10 steps; a step costs about 1.2 times"),
        ({"weighting": GivenHalves()}, "8 backward passes through them; a step costs about 5.7 times"),
        ({"weighting": "famo"}, "FAMO: 4 tasks, 296 shared parameters, 1 backward pass through them; a step costs "
         "about 1.3 times"),
    ],
)  # fmt: skip
def test_fit_says_what_a_step_costs(capsys, arguments, line):
    """296 = 36 x 8 + 8; (1 + 2 x 4) / 3 = 3."""
    x, y = toy.arrays()
    toy.model(**arguments).fit(x, y, verbose=2)
    assert line in capsys.readouterr().out


class BeforeAndAfter(LossScalarizer):
    """The sum of the losses, and those of the last batch before and after the step."""

    reads_losses_after_step = True

    def build(self, num_tasks):
        super().build(num_tasks)
        self.before = self.add_state("before", (num_tasks,))
        self.after = self.add_state("after", (num_tasks,))

    def call(self, losses, present):
        return ops.sum(losses * present)

    def after_step(self, losses_before, losses_after, present):
        self.before.assign(losses_before)
        self.after.assign(losses_after)


@pytest.mark.graph
def test_the_losses_after_a_step_are_those_of_the_same_dropout():
    """Without a change of the variables they are the losses before it; the seeds go on as after one pass."""
    x, y = toy.arrays()
    seeds = []
    for weighting in (BeforeAndAfter(), None):
        keras.utils.set_random_seed(3)
        tower = mtl.towers.MLP((8,), dropout=0.5, batch_norm=True)
        model = toy.model(tower=tower, optimizer=keras.optimizers.SGD(0.0), weighting=weighting)
        _step(model, x, y)
        layers = [layer for layer in model.layers if layer.non_trainable_variables]
        seeds.append([v.numpy() for layer in layers for v in layer.non_trainable_variables])
        if weighting is not None:
            np.testing.assert_allclose(weighting.after.numpy(), weighting.before.numpy(), rtol=1e-6)
            assert np.all(weighting.before.numpy() > 0)
    for one, other in zip(*seeds, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
