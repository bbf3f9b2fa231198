"""`boost`: SAMME by hand and against scikit-learn, residuals, heads."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

import mtl_keras as mtl
from mtl_keras import ensembles
from mtl_keras.ensembles._samme import samme
from tests.unit.ensembles import _members


def test_samme_by_hand():
    """Four labels of weight 1 and a missing one, of three classes; one is wrong: e = 1/4, α = log 3 + log 2."""
    wrong = np.array([True, False, False, False, True])[:, None]
    alphas, weights = samme(wrong, np.array([1.0, 1, 1, 1, 0])[:, None], 3)
    np.testing.assert_allclose(alphas, [np.log(6)])
    np.testing.assert_allclose(weights[:, 0], np.array([6, 1, 1, 1, 0]) * 4 / 9)  # the mean of the four stays 1


def test_a_member_no_better_than_chance_has_no_vote():
    wrong = np.array([[True], [True], [False]])
    alphas, weights = samme(wrong, np.ones((3, 1)), 3)
    assert alphas == 0
    np.testing.assert_array_equal(weights, np.ones((3, 1)))
    alphas, _ = samme(np.zeros((3, 1), bool), np.ones((3, 1)), 2)
    assert np.isfinite(alphas).all()


def test_samme_equals_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), rng.integers(0, 3, 80)
    y[x[:, 0] > 0.3] = 1
    reference = AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=4, random_state=0).fit(x, y)
    weights = np.ones((80, 1))
    for tree, alpha in zip(reference.estimators_, reference.estimator_weights_, strict=True):
        found, weights = samme((tree.predict(x) != y)[:, None], weights, 3)
        np.testing.assert_allclose(found, [alpha], rtol=1e-6)


def _build(tasks):
    model = mtl.build_model((4,), tasks, tower=mtl.towers.MLP((3,)))
    model.compile(keras.optimizers.SGD(0.05))
    return model


def test_votes_and_sums_of_the_members():
    """Trains the members again, each on the weights and targets that NumPy computes from the members before it."""
    x, y, weight = _members.vector_data()
    tasks = [t for t in _members.vector_tasks() if t.name in ("digit", "ink")]
    labels, weights = ({t.name: of[t.name] for t in tasks} for of in (y, weight))
    model = ensembles.boost(lambda: _build(tasks), (x, labels, weights), 2, learning_rate=0.5, epochs=2, seed=1)
    members, targets, given, alphas = [], dict(labels), dict(weights), []
    for i in range(2):
        keras.utils.set_random_seed(1 + i)
        members.append(_build(tasks))
        data = mtl.data.from_arrays(x, targets, sample_weight=given, missing=None, shuffle=True, seed=1 + i)
        members[-1].fit(data, epochs=2, verbose=0)
        output = {task: np.array(of) for task, of in members[-1](x, training=False).items()}
        wrong = output["digit"].argmax(axis=1) != y["digit"]
        share = (given["digit"] * wrong).sum() / given["digit"].sum()
        alphas.append(max(0.5 * (np.log((1 - share) / share) + np.log(2)), 0.0))
        new = given["digit"] * np.exp(alphas[-1] * wrong)
        given = given | {"digit": (new / new[new > 0].mean()).astype("float32")}
        targets = targets | {"ink": (targets["ink"] - 0.5 * output["ink"]).astype("float32")}
    found = model(x, training=False)
    outputs = [member(x, training=False) for member in members]
    np.testing.assert_allclose(found["ink"], 0.5 * outputs[0]["ink"] + 0.5 * outputs[1]["ink"], atol=1e-5)
    if sum(alphas):
        np.testing.assert_allclose(model.get_layer("digit_votes").member_weights, alphas, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["vectors", "sequences", "maps"])
@pytest.mark.graph
def test_every_head(kind, tmp_path):
    data = getattr(_members, f"{kind[:-1]}_data")()
    tasks = getattr(_members, f"{kind[:-1]}_tasks")()
    unsuited = [t.name for t in tasks if t.name in ("price", "spread", "visits", "where")]
    build = getattr(_members, f"build_{kind}")
    if unsuited:
        with pytest.raises(ValueError, match=f"task '{unsuited[0]}' with the head .* for which there is no boosting"):
            ensembles.boost(build, data, 2, epochs=1)
        rest = [t for t in tasks if t.name not in unsuited]
        data = data[0], *({t.name: of[t.name] for t in rest} for of in data[1:])
        if kind == "maps":
            tower = keras.Sequential([keras.layers.Conv2D(3, 3, 2, padding="same"), keras.layers.ReLU()])

            def build():
                model = mtl.build_model((4, 4, 1), rest, tower=keras.models.clone_model(tower))
                model.compile("sgd")
                return model
        else:

            def build():
                return _build(rest)

    model = ensembles.boost(build, data, 2, epochs=1)
    assert np.isfinite(model.test_on_batch(*data, return_dict=True)["loss"])
    model.save(tmp_path / "model.keras")
    expected, found = model(data[0], training=False), keras.models.load_model(tmp_path / "model.keras")(data[0])
    signatures = tf.saved_model.load(mtl.export.saved_model(model, tmp_path / "served")).signatures
    assert set(signatures) == {"serving_default", *model.task_names}
    for task in model.task_names:
        np.testing.assert_array_equal(found[task], expected[task])


def test_errors():
    x, y, _ = _members.vector_data()
    with pytest.raises(ValueError, match=r"`learning_rate` must be a finite number above 0 and at most 1"):
        ensembles.boost(lambda: None, (x, {"digit": y["digit"]}), learning_rate=2.0)
