"""Missing labels have weight 0, and add nothing to anything."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy
from tests.helpers.marks import first_fast


def _weights(**missing_rows):
    """Sample weights of 1, and 0 for the given rows of each task."""
    weights = {task: np.ones(toy.NUM_ROWS, "float32") for task in ("digit", "odd", "marks", "ink")}
    for task, rows in missing_rows.items():
        weights[task][rows] = 0.0
    return weights


def test_losses_and_metrics_are_those_of_the_labels_that_are_there():
    x, y = toy.arrays()
    model = toy.model(metrics=None)
    missing = {"digit": slice(0, 7), "odd": slice(4, 20), "marks": slice(0, 1), "ink": slice(2, 20, 2)}
    logs = model.evaluate(x, y, batch_size=8, sample_weight=_weights(**missing), return_dict=True, verbose=0)
    for task, rows in missing.items():
        there = np.setdiff1d(np.arange(toy.NUM_ROWS), np.arange(toy.NUM_ROWS)[rows])
        alone = {name: label[there] for name, label in y.items()}
        expected = model.evaluate(x[there], alone, return_dict=True, verbose=0)
        for name in expected:
            if name.startswith(f"{task}_"):
                assert logs[name] == pytest.approx(expected[name], rel=1e-5), name


def test_training_on_a_batch_equals_training_on_the_labels_that_are_there():
    """With 0 and 1 as weights the loss is Keras' mean over the weights."""
    x, y = toy.arrays()
    weights = _weights(digit=slice(0, 7), odd=slice(4, 20))
    results = []
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight"):
        keras.utils.set_random_seed(3)
        losses = {
            "digit": keras.losses.SparseCategoricalCrossentropy(reduction=reduction),
            "odd": keras.losses.BinaryCrossentropy(reduction=reduction),
        }
        model = toy.model(loss=losses)
        model.fit(x, y, batch_size=8, sample_weight=weights, shuffle=False, verbose=0)
        results.append(model.get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    ("sharing", "optimizer"),
    first_fast([("hard", "adamw"), pytest.param("single_task", "adam", marks=pytest.mark.graph)]),
)
def test_a_task_without_labels_has_no_figures_and_leaves_its_own_variables_untouched(sharing, optimizer):
    x, y = toy.arrays()
    model = toy.model(sharing, optimizer=optimizer, metrics=None)
    model.fit(x, y, verbose=0)  # so that the optimizer has momentum
    own = model.partition.own
    before = {task: [v.numpy() for v in own[task]] for task in own}
    history = model.fit(x, y, sample_weight=_weights(odd=slice(None)), verbose=0)
    assert np.isnan(history.history["odd_loss"]).all()
    assert np.isnan(history.history["odd_accuracy"]).all()
    assert np.isfinite(history.history["loss"]).all()
    for task in own:
        moved = [not np.array_equal(v.numpy(), value) for v, value in zip(own[task], before[task], strict=True)]
        assert not any(moved) if task == "odd" else all(moved)


def test_single_entries_of_labels_can_be_missing():
    x, y = toy.arrays()
    weights = _weights()
    weights["marks"] = np.random.default_rng(0).integers(0, 2, (toy.NUM_ROWS, 3)).astype("float32")
    model = toy.model(metrics=None)
    logs = model.evaluate(x, y, sample_weight=weights, batch_size=8, return_dict=True, verbose=0)
    p = model.predict(x, verbose=0)["marks"].astype("float64")
    there = weights["marks"] > 0
    entries = -np.log(np.where(y["marks"] > 0, p, 1 - p))
    assert logs["marks_loss"] == pytest.approx(entries[there].mean(), rel=1e-5)
    assert logs["marks_accuracy"] == pytest.approx(((p > 0.5) == (y["marks"] > 0))[there].mean(), rel=1e-5)


def test_weights_of_single_entries_need_a_loss_of_single_entries():
    x, y = toy.arrays()
    model = toy.model(loss={"marks": "binary_crossentropy"})
    weights = {**_weights(), "marks": np.ones((toy.NUM_ROWS, 3), "float32")}
    with pytest.raises(ValueError, match=r"sample_weight\['marks'\].*values of shape"):
        model.fit(x, y, sample_weight=weights, verbose=0)


def test_nan_labels_from_arrays_never_reach_a_loss():
    x, y = toy.arrays()
    y["ink"][::2] = np.nan
    y["digit"][:5] = -1
    model = toy.model(metrics=None)
    history = model.fit(mtl.data.from_arrays(x, y, batch_size=8), epochs=2, verbose=0)
    assert np.isfinite([values for values in history.history.values()]).all()
    assert all(np.isfinite(value).all() for value in model.get_weights())


@pytest.mark.parametrize("weighting", [None, "pcgrad", "uncertainty", "famo"])
@pytest.mark.parametrize("sharing", ["hard", "single_task"])
def test_a_batch_without_labels_leaves_the_averages_of_the_own_layers(sharing, weighting):
    """Two data sets in turn, each with the labels of one task: as if each task had seen its own alone."""
    if (sharing, weighting) == ("single_task", "pcgrad"):
        pytest.skip("reads the gradients of shared variables, and there are none")
    tasks = [mtl.Task(name, mtl.heads.Regression()) for name in "ab"]
    keras.utils.set_random_seed(0)
    if sharing == "hard":
        x = keras.Input((3,))
        shared = keras.layers.Dense(4)(x)
        own = {name: keras.layers.BatchNormalization(name=f"{name}_bn")(shared) for name in "ab"}
        model = mtl.MultiTaskModel(x, {name: keras.layers.Dense(1, name=name)(own[name]) for name in "ab"}, tasks=tasks)
    else:
        tower = keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)])
        model = mtl.build_model((3,), tasks, tower=tower, sharing=sharing)
    model.compile(keras.optimizers.SGD(0.1), weighting=weighting)
    data = {"a": np.full((4, 3), 5.0), "b": np.full((4, 3), -5.0)}
    state = model.partition.own_state
    assert all(len(state[name]) >= 2 for name in "ab")
    for name, other in (("a", "b"), ("b", "a"), ("a", "b")):
        before = {task: [v.numpy() for v in variables] for task, variables in state.items()}
        weights = {name: np.ones(4), other: np.zeros(4)}
        model.train_on_batch(data[name], dict.fromkeys("ab", np.ones(4)), sample_weight=weights)
        changed = {
            task: [not np.array_equal(v.numpy(), old) for v, old in zip(state[task], before[task], strict=True)]
            for task in "ab"
        }
        assert not any(changed[other])
        assert all(changed[name])
