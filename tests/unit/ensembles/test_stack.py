"""`stack`: against scikit-learn on the same probabilities, out of fold too; what the heads read; errors."""

import keras
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression, Ridge

import mtl_keras as mtl
from mtl_keras import ensembles
from tests.unit.ensembles import _members
from tests.unit.ensembles._sklearn import Known

ROWS = 40


def _members_of(tasks, number=2):
    rng = np.random.default_rng(1)
    models = [mtl.build_model((4,), tasks, tower=mtl.towers.MLP((5,))) for _ in range(number)]
    for model in models:
        model.compile("sgd")
        model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return models


@pytest.mark.graph
@pytest.mark.parametrize("task", ["digit", "odd"])
def test_equals_stacking_of_scikit_learn(task):
    x, y, _ = _members.vector_data(ROWS)
    models = _members_of([t for t in _members.vector_tasks() if t.name == task])
    model = ensembles.stack(models, (x, {task: y[task]}), l2=0.5)
    known = [Known(np.array(m(x, training=False)[task])).fit(None, None) for m in models]
    final = LogisticRegression(C=2.0, tol=1e-12, max_iter=10000)
    reference = StackingClassifier([("a", known[0]), ("b", known[1])], final, cv="prefit")
    rows = np.arange(ROWS)[:, None]
    expected = reference.fit(rows, y[task]).predict_proba(rows)
    found = np.array(model(x, training=False)[task])
    np.testing.assert_allclose(found, expected[:, -found.shape[1] :], atol=1e-6)


@pytest.mark.slow
@pytest.mark.graph
def test_reads_all_tasks_and_leaves_missing_labels_out():
    """Against the same models of scikit-learn on the predictions of all tasks, on the rows that have the label."""
    x, y, weight = _members.vector_data(ROWS)
    tasks = [t for t in _members.vector_tasks() if t.name in ("digit", "odd", "ink")]
    labels, weights = ({task.name: of[task.name] for task in tasks} for of in (y, weight))
    models = _members_of(tasks)
    model = ensembles.stack(models, (x, labels, weights), max_iters=1000)
    found = {task: np.array(of) for task, of in model(x, training=False).items()}
    outputs = [m(x, training=False) for m in models]
    read = np.concatenate([np.array(of[task.name]) for of in outputs for task in tasks], axis=1).astype("float64")
    for task in ("digit", "odd"):
        there = weight[task] > 0
        reference = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000).fit(read[there], y[task][there])
        np.testing.assert_allclose(found[task], reference.predict_proba(read)[:, -found[task].shape[1] :], atol=1e-5)
    there = weight["ink"] > 0  # the mean over two numbers a row: Σ (y - ŷ)² + 1/2 · Σ w²
    reference = Ridge(alpha=0.5, solver="cholesky").fit(read[there].astype("float64"), y["ink"][there])
    np.testing.assert_allclose(found["ink"], reference.predict(read), atol=1e-4)


class Trained(ClassifierMixin, BaseEstimator):
    """A member as a classifier of scikit-learn."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, x, y):
        self.classes_ = np.arange(3)
        keras.utils.set_random_seed(self.seed)
        self.model_ = _build()
        batches = mtl.data.from_arrays(x, {"digit": y}, 8, sample_weight=np.ones(len(y)), shuffle=True, seed=self.seed)
        self.model_.fit(batches, epochs=2, verbose=0)
        return self

    def predict_proba(self, x):
        return np.array(self.model_(x, training=False)["digit"], "float64")

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)


def _build():
    model = mtl.build_model((4,), _members.vector_tasks()[:1], tower=mtl.towers.MLP((5,)))
    model.compile(keras.optimizers.SGD(0.1))
    return model


@pytest.mark.slow
@pytest.mark.graph
def test_out_of_fold_equals_scikit_learn():
    x, y, _ = _members.vector_data(ROWS)
    folds = mtl.data.k_fold({"digit": y["digit"]}, 2)
    model = ensembles.stack([_build, _build], (x, {"digit": y["digit"]}), k_fold=folds, epochs=2, batch_size=8, seed=3)
    final = LogisticRegression(C=1.0, tol=1e-12, max_iter=10000)
    reference = StackingClassifier([("a", Trained(3)), ("b", Trained(4))], final, cv=list(folds)).fit(x, y["digit"])
    np.testing.assert_allclose(model(x, training=False)["digit"], reference.predict_proba(x), atol=1e-6)


def test_only_the_heads_are_trained():
    x, y, weight = _members.sequence_data()
    model = ensembles.stack(_members.sequences(), (x, y, weight), max_iters=1)
    names = {v.path.split("/")[-2] for v in model.trainable_variables}
    assert names == {"intent_linear", "slots_linear"}
    assert model.get_layer("intent_linear").kernel.shape == (2 * (2 + 3), 2)
    assert model.get_layer("slots_linear").kernel.shape == (2 * (2 + 3), 3)


def test_padding_changes_nothing():
    x, y, weight = _members.sequence_data()
    padded = np.pad(x, ((0, 0), (0, 2)))
    labels = {"intent": y["intent"], "slots": np.pad(y["slots"], ((0, 0), (0, 2)), constant_values=2)}
    weights = {"intent": weight["intent"], "slots": np.pad(weight["slots"], ((0, 0), (0, 2)), constant_values=1)}
    one, two = (
        ensembles.stack(_members.sequences(), data, max_iters=5) for data in ((x, y, weight), (padded, labels, weights))
    )
    for a, b in zip(one.trainable_variables, two.trainable_variables, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_errors():
    models, (x, y, weight) = _members.vectors(), _members.vector_data()
    folds = mtl.data.k_fold({"digit": y["digit"]}, 2)
    for message, arguments in {
        "`l2` must be a finite number": {"l2": -1},
        "`max_iters` must be an integer": {"max_iters": 0},
        r"`models\[0\]` must be a function without arguments": {"k_fold": folds},
    }.items():
        with pytest.raises(ValueError, match=message):
            ensembles.stack(models, (x, y), **arguments)
    with pytest.raises(ValueError, match="none of the task 'odd'"):
        ensembles.stack(models, (x, y, weight | {"odd": np.zeros(12)}))
    for wrong in (3, [(np.arange(3), np.array([99]))], []):
        with pytest.raises(ValueError, match="`k_fold` must be pairs of row numbers"):
            ensembles.stack([_build], (x, {"digit": y["digit"]}), k_fold=wrong)
