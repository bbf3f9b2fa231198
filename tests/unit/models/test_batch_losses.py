"""Losses of a batch as a whole in a model: missing labels, class weights, replicas."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.losses import PairwiseAUC, SoftF1
from mtl_keras.models.objective import Objective

CASES = {  # name: (head, loss, shape of the labels)
    "SoftF1_binary": (mtl.heads.Binary(), SoftF1(), (8,)),
    "SoftF1_multiclass": (mtl.heads.Multiclass(2), SoftF1("micro"), (8,)),
    "SoftF1_multilabel": (mtl.heads.Multilabel(3), SoftF1(), (8, 3)),
    "PairwiseAUC": (mtl.heads.Binary(), PairwiseAUC(), (8,)),
    "PairwiseAUC_multilabel": (mtl.heads.Multilabel(3), PairwiseAUC(), (8, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_of_weight_0_are_as_if_not_there(name):
    head, loss, shape = CASES[name]
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(8, 2)).astype("float32"), rng.integers(0, 2, shape)
    there = np.array([1, 0, 1, 1, 1, 0, 1, 1]) > 0
    model = mtl.build_model((2,), [mtl.Task("task", head, loss=loss)], tower=keras.Sequential([keras.layers.Dense(3)]))
    model.compile(keras.optimizers.SGD(0.5))
    expected = model.evaluate(x[there], {"task": labels[there]}, return_dict=True, verbose=0)
    weights = {"task": there.astype("float32")}
    scores = model.evaluate(x, {"task": labels}, sample_weight=weights, return_dict=True, verbose=0)
    assert scores["task_loss"] == pytest.approx(expected["task_loss"], rel=1e-5)
    for _ in range(5):
        model.train_on_batch(x, {"task": labels}, sample_weight=weights)
    after = model.evaluate(x, {"task": labels}, sample_weight=weights, return_dict=True, verbose=0)
    assert after["task_loss"] < scores["task_loss"]


def test_single_entries_are_missing_by_weights():
    labels, p = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0.7, 0.4], [0.2, 0.6], [0.5, 0.1]], "float32")
    weights = keras.ops.convert_to_tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    objective = Objective("task", SoftF1(), 1.0)
    entries = objective.entries(labels, p, weights, training=True)
    value = entries.loss(entries.size())
    assert float(value) == pytest.approx(1 - np.mean([1.4 / (1.4 + 0.2 + 0.3), 1.4 / (1.4 + 0.4 + 0.9)]), rel=1e-5)


def test_class_weights_are_weights():
    labels, p = np.array([1, 0]), np.array([[0.8], [0.4]], "float32")
    objective = Objective("task", SoftF1(), 1.0, class_weight=lambda y, y_pred: np.where(y == 0, 3.0, 1.0))
    entries = objective.entries(labels, p, None, training=True)
    value = entries.loss(entries.size())
    assert float(value) == pytest.approx(1 - 1.6 / (1.6 + 3 * 0.4 + 0.2), rel=1e-5)


def test_the_losses_of_replicas_add_up_to_their_mean_over_the_labels():
    rng = np.random.default_rng(0)
    labels, p = rng.integers(0, 2, 7), rng.uniform(size=(7, 1)).astype("float32")
    objective = Objective("task", SoftF1(), 1.0)
    halves = (slice(0, 4), slice(4, 7))
    parts = [objective.entries(labels[rows], p[rows], None, training=True).loss(7.0) for rows in halves]
    alone = [float(SoftF1()(labels[rows], p[rows])) for rows in halves]
    assert float(sum(parts)) == pytest.approx((4 * alone[0] + 3 * alone[1]) / 7, rel=1e-6)
