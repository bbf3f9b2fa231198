"""Gradients accumulated over several batches, of which some have no labels of a task."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl


def train(optimizer, batches, epochs=1, weighting=None):
    """Returns the model after training on batches of the tasks a and b, `{task: labels}`, and its start."""
    keras.utils.set_random_seed(0)
    tasks = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Regression())]
    model = mtl.build_model((2,), tasks, tower=keras.Sequential([keras.layers.Dense(3, use_bias=False)]))
    model.compile(optimizer(model) if callable(optimizer) else optimizer, weighting=weighting)
    start = {task: [v.numpy() for v in own] for task, own in model.partition.own.items()}
    x = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    for _ in range(epochs):
        for labels in batches:
            y = {task: labels.get(task, np.zeros(4, "float32")) for task in "ab"}
            weights = {task: np.full(4, float(task in labels), "float32") for task in "ab"}
            model.train_on_batch(x, y, sample_weight=weights)
    moved = {
        task: max(np.abs(v.numpy() - old).max() for v, old in zip(own, start[task], strict=True))
        for task, own in model.partition.own.items()
    }
    return model, moved


ONE, TWO = np.ones(4, "float32"), np.full(4, 2.0, "float32")
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
    "adam": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)),
    "by_part": lambda: (
        lambda model: mtl.optimizers.by_part(
            model, tower="sgd", heads=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
        )
    ),
}

if not hasattr(keras.optimizers, "MultiOptimizer"):  # before Keras 3.15
    del OPTIMIZERS["by_part"]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_head_is_trained_by_labels_in_any_batch_of_an_update(name, order):
    """Whichever of the two batches of an update has the labels."""
    batches = [{"b": TWO}, {"a": ONE, "b": TWO}] if order == "ab" else [{"a": ONE, "b": TWO}, {"b": TWO}]
    _, moved = train(OPTIMIZERS[name](), batches, epochs=3)
    assert moved["a"] > 1e-3
    assert moved["b"] > 1e-3


def test_equals_one_batch_of_both():
    """Two batches of four rows, the labels of a in the first: a's gradient is half of that of one batch."""
    optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    accumulated, _ = train(optimizer, [{"a": ONE, "b": TWO}, {"b": TWO}])
    halved, _ = train(keras.optimizers.SGD(0.05), [{"a": ONE}])
    for v, w in zip(accumulated.partition.own["a"], halved.partition.own["a"], strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("steps", [None, 2])
def test_a_head_without_labels_stays_though_the_optimizer_would_move_it(steps):
    """From the second update on, weight decay and momentum would move it."""
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1, gradient_accumulation_steps=steps)
    batches = [{"a": ONE, "b": TWO}] * 2 + [{"b": TWO}] * 2
    model, _ = train(optimizer, batches[:2])
    after_two = [v.numpy() for v in model.partition.own["a"]]
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1, gradient_accumulation_steps=steps)
    model, moved = train(optimizer, batches)
    for v, old in zip(model.partition.own["a"], after_two, strict=True):
        np.testing.assert_array_equal(v, old)
    assert moved["b"] > 0


def test_a_weighting_refuses_it():
    with pytest.raises(ValueError, match="gradient_accumulation_steps"):
        train(OPTIMIZERS["sgd"](), [], weighting="pcgrad")
