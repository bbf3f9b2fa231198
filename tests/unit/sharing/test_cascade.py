"""Cascade."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.sharing import Cascade
from tests.helpers import toy
from tests.unit.sharing import _tiny


def _model(sharing, hidden=()):
    """Regressions a, b and c of one number on a tower that passes the one input on, with kernels of ones."""
    tasks = [mtl.Task(name, mtl.heads.Regression(hidden=hidden)) for name in "abc"]
    model = mtl.build_model((1,), tasks, mtl.towers.MLP((1,), activation="linear"), sharing)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(np.ones(layer.kernel.shape))
    return model


@pytest.mark.parametrize(
    ("sharing", "expected"),
    [
        (Cascade(), [2, 4, 8]),  # x; x + a; x + a + b
        (Cascade(context="previous"), [2, 4, 6]),  # x + b
        (Cascade(order=["c", "a", "b"]), [4, 8, 2]),
        (Cascade(order=["b", "c", "a"], context="previous"), [6, 2, 4]),
    ],
)
def test_numbers_by_hand(sharing, expected):
    model = _model(sharing)
    assert list(model.output) == ["a", "b", "c"]
    assert [float(y[0, 0]) for y in model(np.array([[2.0]])).values()] == expected


def test_features_of_the_heads_by_hand():
    """Two hidden units: a has 2 and 2, sum 4; b reads x, 2, 2, so 6 and 6, sum 12; c reads x, 2, 2, 6, 6."""
    model = _model(Cascade(pass_on="features"), hidden=(2,))
    assert [float(y[0, 0]) for y in model(np.array([[2.0]])).values()] == [4, 12, 36]


def test_probabilities_are_passed_on():
    tasks = [mtl.Task("a", mtl.heads.Multiclass(2)), mtl.Task("b", mtl.heads.Regression())]
    model = mtl.build_model((1,), tasks, mtl.towers.MLP((1,), activation="linear"), Cascade())
    model.get_layer("shared_dense1_dense").kernel.assign([[1.0]])
    model.get_layer("a_linear").kernel.assign([[np.log(3.0), 0.0]])
    model.get_layer("b_linear").kernel.assign([[0.0], [1.0], [10.0]])
    assert float(model(np.array([[1.0]]))["b"][0, 0]) == pytest.approx(0.75 + 10 * 0.25)


def test_conditional_by_hand():
    """Probabilities 0.5 and, after the first, σ(0 · x + log 9 · 0.5) = 0.75; their product comes out."""
    tasks = [mtl.Task(name, mtl.heads.Binary()) for name in "ab"]
    model = mtl.build_model((1,), tasks, mtl.towers.MLP((1,)), Cascade(conditional=True))
    model.get_layer("a_linear").kernel.assign([[0.0]])
    model.get_layer("b_linear").kernel.assign([[0.0], [np.log(9.0)]])
    found = {name: float(p[0, 0]) for name, p in model(np.array([[1.0]])).items()}
    assert found == pytest.approx({"a": 0.5, "b": 0.375}, rel=1e-6)


def _sentences(pass_on, order, structure="softmax", hidden=()):
    """An intent and slots on tokens whose embedding is their number, with kernels of ones and no bias."""
    tokens = keras.Input((None,), dtype="int32")
    tower = keras.Sequential([keras.layers.Embedding(9, 1, mask_zero=True)], name="encoder")
    tasks = [
        mtl.Task("intent", mtl.heads.Regression(hidden=hidden, activation="linear")),
        mtl.Task("slots", mtl.heads.Tagging(2, structure, predict="probabilities", hidden=hidden, activation="linear")),
    ]
    model = mtl.build_model(tokens, tasks, tower, Cascade(order=order, pass_on=pass_on))
    model.get_layer("encoder").layers[-1].embeddings.assign(np.arange(9.0)[:, None])
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(np.ones(layer.kernel.shape))
    return model


SENTENCE = np.array([[2, 4, 0, 0]])  # two tokens and padding: their mean is 3


@pytest.mark.parametrize("structure", ["softmax", "crf"])
def test_an_answer_stands_at_every_token(structure):
    """The intent is 3; a token with embedding e has the scores [e·1 + 3·a, ...]."""
    model = _sentences("prediction", ["intent", "slots"], structure)
    model.get_layer("slots_linear").kernel.assign([[1.0, 0.0], [0.0, 1.0]])
    slots = model.predict(SENTENCE, verbose=0)["slots"]
    expected = [1 / (1 + np.exp(3.0 - e)) for e in (2, 4)]
    np.testing.assert_allclose(slots[0, :2, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("structure", ["softmax", "crf"])
def test_answers_for_tokens_are_averaged_without_the_padding(structure):
    model = _sentences("prediction", ["slots", "intent"], structure)
    model.get_layer("slots_linear").kernel.assign([[1.0, 0.0]])
    model.get_layer("intent_linear").kernel.assign([[0.0], [1.0], [10.0]])
    first = np.mean([1 / (1 + np.exp(-e)) for e in (2.0, 4.0)])
    intent = float(model.predict(SENTENCE, verbose=0)["intent"][0, 0])
    assert intent == pytest.approx(first + 10 * (1 - first), rel=1e-6)


def test_features_go_between_a_sentence_and_its_tokens():
    """The intent reads the mean 3 and the slots' hidden unit 2 or 4, on average 3; the slots e and the intent's 3."""
    forward = _sentences("features", ["slots", "intent"], hidden=(1,))
    assert float(forward.predict(SENTENCE, verbose=0)["intent"][0, 0]) == pytest.approx(6)
    backward = _sentences("features", ["intent", "slots"], hidden=(1,))
    backward.get_layer("slots_linear").kernel.assign([[1.0, 0.0]])
    slots = backward.predict(SENTENCE, verbose=0)["slots"]
    np.testing.assert_allclose(slots[0, :2, 0], [1 / (1 + np.exp(-s)) for s in (5.0, 7.0)], rtol=1e-6)


def test_features_that_only_the_tokens_have():
    """Without hidden layers the slots hand on what the intent has: an average of the same features, twice."""
    model = _sentences("features", ["slots", "intent"])
    assert model.get_layer("intent_linear").kernel.shape == (2, 1)


SCHEMES = [{}, {"pass_on": "features"}, {"conditional": True}, {"context": "previous"}]


@pytest.mark.parametrize("arguments", SCHEMES)
@pytest.mark.parametrize("stop_gradient", [False, True])
def test_stop_gradient_keeps_a_task_from_what_is_before_it(arguments, stop_gradient):
    tasks = [mtl.Task(name, mtl.heads.Binary(hidden=(2,))) for name in "abc"]
    model = mtl.build_model((3,), tasks, mtl.towers.MLP((4,)), Cascade(stop_gradient=stop_gradient, **arguments))
    before = model.get_layer("b_linear" if "pass_on" not in arguments else "b_hidden1").kernel
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(np.random.default_rng(0).normal(size=(4, 3)))["c"])
    gradient, tower = tape.gradient(total, [before.value, model.get_layer("shared_dense1_dense").kernel.value])
    assert tower is not None
    assert (gradient is None) == stop_gradient
    if not stop_gradient:
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("arguments", SCHEMES)
def test_stop_gradient_does_not_change_the_predictions(arguments):
    tasks = [mtl.Task(name, mtl.heads.Binary(hidden=(2,))) for name in "abc"]
    models = [
        mtl.build_model((3,), tasks, mtl.towers.MLP((4,)), Cascade(stop_gradient=stop, **arguments))
        for stop in (False, True)
    ]
    models[1].set_weights(models[0].get_weights())
    x = np.random.default_rng(0).normal(size=(4, 3))
    for task, expected in models[0](x).items():
        np.testing.assert_allclose(models[1](x)[task], expected, atol=1e-7)


def test_partition():
    partition = _tiny.train_partition(Cascade())
    tower = [f"shared_dense{i}_dense/{v}" for i in (1, 2) for v in ("bias", "kernel")]
    assert _tiny.paths(partition.shared) == sorted([*tower, "a_linear/bias", "a_linear/kernel"])
    assert _tiny.paths(partition.own["a"]) == []
    assert _tiny.paths(partition.own["b"]) == ["b_linear/bias", "b_linear/kernel"]


def test_at_the_level_of_features():
    """What is passed on is not the output itself, so that the graphs of the tasks part."""
    x, y = toy.arrays()
    model = toy.model("cascade", weighting="imtl_g", level="features", metrics=[])
    history = model.fit(x, y, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("order", [["digit"], ["digit", "odd", "marks", "ink", "ink"], ["digit", "odd", "marks", "x"]])
def test_order_must_hold_each_task_once(order):
    with pytest.raises(ValueError, match=r"`order` must hold each of the tasks \['digit', .*\] once. Received: order="):
        mtl.build_model(toy.SHAPE, toy.tasks(), sharing=Cascade(order=order))


@pytest.mark.parametrize("argument", ["pass_on", "context"])
def test_unknown_argument(argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be one of .* Received: {argument}='x'"):
        Cascade(**{argument: "x"})


def test_features_that_are_there_anyway():
    with pytest.raises(ValueError, match="`pass_on='features'` needs features of the task 'digit' that 'odd' lacks"):
        mtl.build_model(toy.SHAPE, toy.tasks(), sharing=Cascade(pass_on="features"))
    tower = mtl.towers.MLP((5, 4))
    model = mtl.build_model(toy.SHAPE, toy.tasks(), tower, Cascade(pass_on="features", split_after=1))
    assert model.get_layer("odd_linear").kernel.shape == (8, 1)


def test_conditional_needs_binary_tasks():
    with pytest.raises(ValueError, match="`conditional` needs tasks that are yes or no"):
        mtl.build_model(toy.SHAPE, toy.tasks(), sharing=Cascade(conditional=True))
