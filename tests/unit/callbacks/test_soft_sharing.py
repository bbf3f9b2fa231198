"""SoftSharing."""

import itertools

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.callbacks import SoftSharing

NORMS = ["l2", "l1", "trace"]
TASKS = ["digit", "odd", "ink"]
ROWS = 8


def _data():
    rng = np.random.default_rng(0)
    y = {"digit": rng.integers(0, 3, ROWS), "odd": rng.integers(0, 2, ROWS), "ink": rng.normal(size=ROWS)}
    return rng.normal(size=(ROWS, 5)).astype("float32"), y


def _model(sharing="soft", optimizer="sgd", num_tasks=3, **arguments):
    keras.utils.set_random_seed(3)
    heads = [mtl.heads.Multiclass(3), mtl.heads.Binary(), mtl.heads.Regression()]
    tasks = [mtl.Task(name, head, weight=0.5) for name, head in zip(TASKS, heads, strict=True)][:num_tasks]
    model = mtl.build_model((5,), tasks, tower=mtl.towers.MLP((4, 3)), sharing=sharing)
    model.compile(optimizer, metrics=[], **arguments)
    return model


def _fit(model, callbacks=None, **arguments):
    x, y = _data()
    y = {task: y[task] for task in model.task_names}
    return model.fit(
        x, y, callbacks=callbacks, **{"batch_size": ROWS, "shuffle": False, "verbose": 0, **arguments}
    ).history


def _towers(model):
    """Returns the weights of the towers, by task."""
    return {
        task: [v.numpy().astype("float64") for name in names for v in model.get_layer(name).trainable_variables]
        for task, names in model.tower_layers.items()
    }


def _singular_values(towers):
    """Returns the singular values of the towers' stacked variables, one array a variable."""
    stacks = [np.stack([w.ravel() for w in weights]) for weights in zip(*towers.values(), strict=True)]
    return [np.linalg.svd(stack, compute_uv=False) for stack in stacks]


def _norm(towers, norm):
    """The norms by NumPy."""
    if norm == "trace":
        return sum(values.sum() for values in _singular_values(towers))
    distance = {"l2": lambda d: (d**2).sum(), "l1": lambda d: np.abs(d).sum()}[norm]
    pairs = itertools.combinations(towers.values(), 2)
    return sum(distance(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def single_task_weights():
    model = _model("single_task")
    _fit(model, epochs=2, batch_size=3)
    return model.get_weights()


@pytest.mark.parametrize("norm", NORMS)
def test_strength_0_equals_single_task_to_the_last_bit(norm, single_task_weights):
    model = _model("soft")
    history = _fit(model, [SoftSharing(0.0, norm=norm)], epochs=2, batch_size=3)
    for ours, single in zip(model.get_weights(), single_task_weights, strict=True):
        np.testing.assert_array_equal(ours, single)
    assert history["soft_sharing_penalty"] == [0.0, 0.0]
    assert history["tower_distance"][-1] > 1


@pytest.mark.graph
def test_a_very_large_strength_drives_the_distance_to_zero():
    """Each step takes lr · 2 · strength · T = 3/4 of every difference away."""
    model = _model(optimizer=keras.optimizers.SGD(1e-3))
    start = np.sqrt(_norm(_towers(model), "l2"))
    history = _fit(model, [SoftSharing(125.0)], epochs=30)
    assert start > 1
    assert history["tower_distance"][-1] < 0.01 * start
    assert history["tower_distance"][-1] == pytest.approx(np.sqrt(_norm(_towers(model), "l2")), rel=1e-4)


@pytest.mark.graph
@pytest.mark.slow
def test_l1_makes_the_towers_equal():
    steps = 120
    rate = keras.optimizers.schedules.PolynomialDecay(1e-4, steps, end_learning_rate=0.0)
    model = _model(optimizer=keras.optimizers.SGD(rate))
    start = _norm(_towers(model), "l1")
    _fit(model, [SoftSharing(100.0, norm="l1")], epochs=steps // 2, batch_size=ROWS // 2)
    assert _norm(_towers(model), "l1") < 0.01 * start


@pytest.mark.graph
@pytest.mark.slow
def test_trace_makes_the_towers_span_few_dimensions():
    """Each step takes lr · strength = 0.01 of every singular value that is left."""
    model = _model(optimizer=keras.optimizers.SGD(1e-5))
    before = _singular_values(_towers(model))
    _fit(model, [SoftSharing(1000.0, norm="trace")], epochs=40)
    for old, new in zip(before, _singular_values(_towers(model)), strict=True):
        np.testing.assert_allclose(new, np.maximum(old - 0.4, 0), atol=0.02)


@pytest.mark.parametrize("norm", NORMS)
def test_the_logged_penalty_and_loss_are_those_of_the_weights(norm):
    model = _model(optimizer=keras.optimizers.SGD(0.0))
    towers = _towers(model)
    x, y = _data()
    history = _fit(model, [SoftSharing(0.3, norm=norm)], validation_data=(x, y))
    penalty = 0.3 * _norm(towers, norm)
    assert history["soft_sharing_penalty"] == pytest.approx([penalty], rel=1e-5)
    assert history["tower_distance"] == pytest.approx([np.sqrt(_norm(towers, "l2"))], rel=1e-5)
    task_losses = sum(0.5 * history[f"{task}_loss"][0] for task in TASKS)
    assert history["loss"] == pytest.approx([task_losses + penalty], rel=1e-5)
    assert history["val_loss"] == pytest.approx([task_losses], rel=1e-5)
    names = {"loss", *(f"{task}_loss" for task in TASKS)}
    extra = {"soft_sharing_penalty", "soft_sharing_strength", "tower_distance"}
    assert set(history) == names | {f"val_{name}" for name in names} | extra


def test_the_logged_penalty_is_the_mean_over_the_steps():
    model = _model(optimizer=keras.optimizers.SGD(0.1))
    penalties = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: penalties.append(0.2 * _norm(_towers(model), "l2"))
    )
    history = _fit(model, [SoftSharing(0.2), seen], batch_size=3)
    assert len(penalties) == 3
    assert history["soft_sharing_penalty"] == pytest.approx([np.mean(penalties)], rel=1e-5)


@pytest.mark.parametrize("num_tasks", [2, 3])
def test_the_gradient_of_one_step_by_hand(num_tasks):
    rate, strength = 0.1, 0.3
    plain, soft = (_model(optimizer=keras.optimizers.SGD(rate), num_tasks=num_tasks) for _ in "12")
    start = _towers(soft)
    _fit(plain)
    _fit(soft, [SoftSharing(strength)])
    without, result = _towers(plain), _towers(soft)
    for task, tower in start.items():
        for k, theta in enumerate(tower):
            pull = 2 * strength * sum(theta - other[k] for other in start.values())
            np.testing.assert_allclose(result[task][k], without[task][k] - rate * pull, atol=1e-6)
    heads = [layer.name for layer in soft.layers if layer.name.endswith("_linear")]
    assert len(heads) == num_tasks
    for name in heads:
        for ours, theirs in zip(soft.get_layer(name).get_weights(), plain.get_layer(name).get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [2.0, 2.0, 2.0, 2.0]),
        ({"schedule": "linear"}, [2.0, 1.5, 1.0, 0.5]),
        ({"schedule": "cosine"}, [2.0, 1 + np.sqrt(0.5), 1.0, 1 - np.sqrt(0.5)]),
        ({"warmup_epochs": 2}, [0.0, 1.0, 2.0, 2.0]),
        ({"schedule": "linear", "warmup_epochs": 2}, [0.0, 1.0, 2.0, 1.0]),
        ({"schedule": "cosine", "warmup_epochs": 1}, [0.0, 2.0, 1.5, 0.5]),
        ({"warmup_epochs": 4}, [0.0, 0.5, 1.0, 1.5]),
        ({"warmup_epochs": 8, "schedule": "linear"}, [0.0, 0.25, 0.5, 0.75]),
    ],
)
def test_schedules_by_hand(arguments, expected):
    model = _model(optimizer=keras.optimizers.SGD(0.0), num_tasks=2)
    history = _fit(model, [SoftSharing(2.0, **arguments)], epochs=4)
    np.testing.assert_allclose(history["soft_sharing_strength"], expected, atol=1e-6)
    distance = _norm(_towers(model), "l2")
    np.testing.assert_allclose(history["soft_sharing_penalty"], np.array(expected) * distance, rtol=1e-5)


def test_a_resumed_fit_goes_on_in_the_schedule():
    model = _model(optimizer=keras.optimizers.SGD(0.0), num_tasks=2)
    history = _fit(model, [SoftSharing(2.0, schedule="linear")], initial_epoch=2, epochs=4)
    assert history["soft_sharing_strength"] == [1.0, 0.5]


@pytest.mark.graph
def test_a_change_of_the_strength_traces_nothing_anew():
    traces = []

    def loss(y_true, y_pred):
        traces.append(1)
        return keras.ops.square(y_true - y_pred)[:, 0]

    model = _model(optimizer=keras.optimizers.SGD(0.0), loss={"ink": loss})
    callback, traced = SoftSharing(1.0, schedule="linear", warmup_epochs=1), []

    def change(epoch, logs):
        traced.append(len(traces))
        callback.strength = 10.0 * (epoch + 1)

    history = _fit(model, [callback, keras.callbacks.LambdaCallback(on_epoch_end=change)], epochs=3)
    assert traced[0] > 0
    assert len(set(traced)) == 1
    np.testing.assert_allclose(history["soft_sharing_strength"], [0.0, 10.0, 10.0])
    distance = _norm(_towers(model), "l2")
    np.testing.assert_allclose(history["soft_sharing_penalty"], [0.0, 10 * distance, 10 * distance], rtol=1e-5)


@pytest.mark.graph
def test_the_strength_can_change_within_an_epoch():
    model, callback = _model(optimizer=keras.optimizers.SGD(0.0), num_tasks=2), SoftSharing(1.0)
    change = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: setattr(callback, "strength", 3.0))
    history = _fit(model, [callback, change], batch_size=ROWS // 2)
    assert history["soft_sharing_penalty"] == pytest.approx([2 * _norm(_towers(model), "l2")], rel=1e-5)
    assert callback.strength == 3.0


class TestThePenaltyEndsWithItsFit:
    def _is_plain(self, model):
        """Whether the next fit is that of a model that never had a penalty."""
        assert model.penalties == {}
        other = _model(optimizer=keras.optimizers.SGD(0.1), num_tasks=2)
        other.set_weights(model.get_weights())
        histories = [_fit(m) for m in (model, other)]
        assert histories[0] == histories[1]
        for one, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(one, theirs)

    @pytest.mark.graph
    def test_after_a_fit(self):
        model = _model(optimizer=keras.optimizers.SGD(0.1), num_tasks=2)
        assert "soft_sharing_penalty" in _fit(model, [SoftSharing(1.0)])
        self._is_plain(model)

    def test_after_a_fit_that_failed(self):
        model = _model(optimizer=keras.optimizers.SGD(0.1), num_tasks=2)

        def fail(batch, logs):
            raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            _fit(model, [SoftSharing(1.0), keras.callbacks.LambdaCallback(on_train_batch_end=fail)])
        self._is_plain(model)

    def test_after_a_fit_that_never_began(self):
        model = _model(optimizer=keras.optimizers.SGD(0.1), num_tasks=2)
        with pytest.raises(ValueError, match="neither a layer of the model"):
            _fit(model, [SoftSharing(1.0), SoftSharing(1.0, groups={"digit": ["nothing"], "odd": ["nothing"]})])
        self._is_plain(model)


def test_a_checkpoint_of_a_training_with_a_penalty_loads(tmp_path):
    model = _model(num_tasks=2)
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    _fit(model, [SoftSharing(1.0), checkpoint])
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.penalties == {}
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def _own_graph():
    """A user's own functional model: layers left and right correspond, in shape and in place."""
    x = keras.Input((5,), name="x")
    left, right = (keras.layers.Dense(3, name=name)(x) for name in ("left", "right"))
    outputs = {"a": keras.layers.Dense(1, name="a")(left), "b": keras.layers.Dense(2, name="b")(right)}
    model = mtl.MultiTaskModel(x, outputs)
    model.compile(keras.optimizers.SGD(0.0), loss="mse")
    return model


def _fit_own_graph(callback, model=None):
    model = model or _own_graph()
    y = {"a": np.zeros((2, 1)), "b": np.zeros((2, 2))}
    return model, model.fit(np.ones((2, 5)), y, callbacks=callback, verbose=0).history


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ({"a": ["left"], "b": ["right"]}, ["kernel", "bias"]),
        ({"a": ["left/kernel"], "b": ["right/kernel"]}, ["kernel"]),
        ({"a": ["left/bias", "left/kernel"], "b": ["right/bias", "right/kernel"]}, ["kernel", "bias"]),
        ({"one": ["left/bias"], "other": ["right/bias"]}, ["bias"]),
    ],
    ids=["layers", "paths", "several", "any_keys"],
)
def test_groups_of_a_graph_of_ones_own(groups, names):
    model = _own_graph()
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    left, right = model.get_layer("left"), model.get_layer("right")
    distance = sum(((getattr(left, n).numpy() - getattr(right, n).numpy()) ** 2).sum() for n in names)
    _, history = _fit_own_graph(SoftSharing(0.5, groups=groups), model)
    assert history["soft_sharing_penalty"] == pytest.approx([0.5 * distance], rel=1e-5)
    assert history["tower_distance"] == pytest.approx([np.sqrt(distance)], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"strength": -1.0}, r"`strength` must be a finite number of at least 0. Received: strength=-1.0"),
        ({"strength": float("nan")}, r"`strength` must be a finite number of at least 0. Received: strength=nan"),
        ({"norm": "l3"}, r"`norm` must be one of 'l2', 'l1', 'trace'. Received: norm='l3'"),
        (
            {"schedule": "step"},
            r"`schedule` must be one of 'constant', 'linear', 'cosine'. Received: schedule='step'",
        ),
        ({"warmup_epochs": -1}, r"`warmup_epochs` must be an integer of at least 0. Received: warmup_epochs=-1"),
    ],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(ValueError, match=error):
        SoftSharing(**{"strength": 1.0, **arguments})


def test_the_strength_is_checked_when_it_is_set():
    callback = SoftSharing(1.0)
    with pytest.raises(ValueError, match=r"`strength` must be a finite number of at least 0. Received: strength=-2"):
        callback.strength = -2
    assert callback.strength == 1.0


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        (None, r"`SoftSharing` needs the towers of two tasks or more. Received: groups={}.*`groups`"),
        ({"a": ["left"]}, r"`SoftSharing` needs the towers of two tasks or more. Received: groups={'a': \['left'\]}"),
        (
            {"a": ["left"], "b": ["rigth"]},
            r"`groups` names 'rigth', which is neither a layer .*Layers: \['a', 'b', 'left', 'right', 'x'\]",
        ),
        (
            {"a": ["left"], "b": ["right/kernel"]},
            r"towers of 'a' and 'b' must have variables of the same shapes.*"
            r"Received: \[\(5, 3\), \(3,\)\] and \[\(5, 3\)\]",
        ),
        ({"a": ["a"], "b": ["b"]}, r"Received: \[\(3, 1\), \(1,\)\] and \[\(3, 2\), \(2,\)\]"),
        ({"a": ["left"], "b": ["left"]}, r"The tasks 'a' and 'b' share variables, so there is no distance"),
        ({"a": ["left"], "b": ["right"], "c": ["right"]}, r"The tasks 'b' and 'c' share variables"),
    ],
)
def test_bad_groups(groups, error):
    with pytest.raises(ValueError, match=error):
        _fit_own_graph(SoftSharing(1.0, groups=groups))


def test_hard_sharing_has_no_distance():
    with pytest.raises(ValueError, match=r"The tasks 'digit' and 'odd' share variables.*`sharing=\"soft\"`"):
        _fit(_model("hard"), [SoftSharing(1.0)])


def test_one_task_has_no_distance():
    with pytest.raises(ValueError, match="needs the towers of two tasks or more"):
        _fit(_model("soft", num_tasks=1), [SoftSharing(1.0)])


def test_a_plain_keras_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match=r"`SoftSharing` needs a mtl_keras.MultiTaskModel. Received: Sequential. Wrap"):
        model.fit(np.ones((2, 2)), np.ones((2, 1)), callbacks=[SoftSharing(1.0)], verbose=0)


@pytest.mark.parametrize(("strength", "diverges"), [(300.0, False), (400.0, True)])
def test_warns_of_a_strength_that_moves_the_towers_apart(strength, diverges):
    """With three towers and the rate 1e-3 a step multiplies the differences by 1 - 0.006 · strength."""
    model = _model(optimizer=keras.optimizers.SGD(1e-3))
    start = np.sqrt(_norm(_towers(model), "l2"))
    if diverges:
        with pytest.warns(UserWarning, match="`strength` 400 makes the towers diverge: with 3 .* from 333.333 on"):
            history = _fit(model, [SoftSharing(strength)], epochs=3)
    else:
        history = _fit(model, [SoftSharing(strength)], epochs=3)
    assert (history["tower_distance"][-1] > start) == diverges
