"""`average`: against scikit-learn, SciPy and formulas, what is computed once, and fitted weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, optimize, stats
from sklearn.ensemble import VotingClassifier
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import mtl_keras as mtl
from mtl_keras import ensembles
from mtl_keras.layers import PoolPredictions
from tests.unit.ensembles import _members
from tests.unit.ensembles._sklearn import Known, voting


def _outputs(models, x):
    return [{task: np.array(y) for task, y in model(x, training=False).items()} for model in models]


def test_equals_soft_voting_of_scikit_learn():
    x, *_ = _members.vector_data()
    models, weights = _members.vectors(), [0.5, 2.0, 1.0]
    found = _outputs([ensembles.average(models, weights)], x)[0]
    for task in ("digit", "odd"):
        reference = voting([of[task] for of in _outputs(models, x)], "soft", weights)
        expected = reference.predict_proba(np.arange(len(x))[:, None])
        np.testing.assert_allclose(found[task], expected[:, -found[task].shape[1] :], atol=1e-6)


def test_a_mixture_of_normal_distributions():
    """Mean and deviation of a large sample from each member's distribution."""
    means, deviations, weights = np.array([0.0, 3.0, -1.0]), np.array([1.0, 0.5, 2.0]), np.array([0.5, 0.3, 0.2])
    pool = PoolPredictions("normal", weights=weights)
    found = np.array(pool([np.array([[m, s]]) for m, s in zip(means, deviations, strict=True)]))[0]
    grid = np.linspace(-15, 15, 300001)
    density = weights @ stats.norm(means[:, None], deviations[:, None]).pdf(grid)
    mean = integrate.trapezoid(density * grid, grid)
    np.testing.assert_allclose(
        found, [mean, np.sqrt(integrate.trapezoid(density * (grid - mean) ** 2, grid))], rtol=1e-5
    )
    product = np.prod(stats.norm(means[:, None], deviations[:, None]).pdf(grid) ** weights[:, None], axis=0)
    product /= integrate.trapezoid(product, grid)
    mean = integrate.trapezoid(product * grid, grid)
    expected = [mean, np.sqrt(integrate.trapezoid(product * (grid - mean) ** 2, grid))]
    pool = PoolPredictions("normal", "geometric", weights)
    found = np.array(pool([np.array([[m, s]]) for m, s in zip(means, deviations, strict=True)]))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_geometric_means():
    x, *_ = _members.vector_data()
    models = _members.vectors()
    found, (a, b, c) = _outputs([ensembles.average(models, geometric=True)], x)[0], _outputs(models, x)
    mean = {task: (a[task] * b[task] * c[task]) ** (1 / 3) for task in ("digit", "odd", "visits")}
    np.testing.assert_allclose(found["digit"], mean["digit"] / mean["digit"].sum(axis=1, keepdims=True), atol=1e-5)
    no = ((1 - a["odd"]) * (1 - b["odd"]) * (1 - c["odd"])) ** (1 / 3)
    np.testing.assert_allclose(found["odd"], mean["odd"] / (mean["odd"] + no), atol=1e-5)
    np.testing.assert_allclose(found["visits"], mean["visits"], rtol=1e-4)


def test_boxes_are_weighted_by_confidence():
    """Two cells by hand: centre 0.25 with confidence 0.9, and 0.75 with 0.3."""

    def cell(centre, confidence):
        logit = np.log(centre / (1 - centre))
        return np.array([logit, logit, logit, logit, np.log(confidence / (1 - confidence)), 0.0, 0.0])

    outputs = [cell(0.25, 0.9).reshape(1, 1, 1, 7), cell(0.75, 0.3).reshape(1, 1, 1, 7)]
    found = np.array(PoolPredictions("cells")(outputs))[0, 0, 0]
    expected = [(0.9 * 0.25 + 0.3 * 0.75) / 1.2] * 4 + [(0.9 + 0.3) / 2]
    np.testing.assert_allclose(1 / (1 + np.exp(-found[:5])), expected, rtol=1e-5)
    np.testing.assert_allclose(np.exp(found[5:]), [0.5, 0.5], rtol=1e-5)


def test_weights_of_a_task():
    x, *_ = _members.vector_data()
    models = _members.vectors()
    found = _outputs([ensembles.average(models, {"ink": [0, 0, 1]})], x)[0]
    a, b, c = _outputs(models, x)
    np.testing.assert_allclose(found["ink"], c["ink"], atol=1e-6)
    np.testing.assert_allclose(found["digit"], (a["digit"] + b["digit"] + c["digit"]) / 3, atol=1e-6)


def test_fitted_weights_have_the_loss_that_scipy_finds():
    x, y, weight = _members.vector_data(40)
    tasks = [_members.vector_tasks()[0]]
    models = [mtl.build_model((4,), tasks, tower=mtl.towers.MLP((5,))) for _ in range(3)]
    for model in models:
        model.compile("sgd")
    model = ensembles.average(models, "validation", (x, {"digit": y["digit"]}, {"digit": weight["digit"]}))
    found = model.get_layer("digit").member_weights
    right = np.array([of["digit"][np.arange(40), y["digit"]] for of in _outputs(models, x)]).astype("float64")

    def loss(w):
        return -(weight["digit"] * np.log(w @ right)).sum() / weight["digit"].sum()

    constraint = {"type": "eq", "fun": lambda w: w.sum() - 1}
    best = optimize.minimize(loss, np.ones(3) / 3, bounds=[(0, 1)] * 3, constraints=constraint, tol=1e-10)
    assert loss(np.array(found)) == pytest.approx(best.fun, abs=1e-6)


@pytest.mark.graph
def test_a_frozen_backbone_is_computed_once():
    backbone = keras.Sequential([keras.layers.Dense(7), keras.layers.BatchNormalization()], name="backbone")
    backbone.trainable = False
    tasks = _members.vector_tasks()[:2]
    models = [mtl.build_model((4,), tasks, tower=backbone) for _ in range(3)]
    x, *_ = _members.vector_data()
    model = ensembles.average(models)
    layers = [type(layer).__name__ for layer in model.layers]
    assert layers.count("Sequential") == 1
    assert layers.count("Dense") == 6  # a head for each task and member
    operations = [op.type for op in _graph(model, x).get_operations()]
    assert operations.count("MatMul") == 1 + 6
    np.testing.assert_allclose(
        _outputs([model], x)[0]["digit"], np.mean([of["digit"] for of in _outputs(models, x)], axis=0), atol=1e-6
    )
    backbone.set_weights([w + 1 for w in backbone.get_weights()])
    again = mtl.build_model((4,), tasks, tower=backbone)
    assert [type(layer).__name__ for layer in ensembles.average([model, again]).layers].count("Sequential") == 2


def _graph(model, x):
    """Returns the graph of a call of the model, with the operations of the functions that it calls."""
    traced = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.constant(x))
    return convert_variables_to_constants_v2(traced).graph


def test_the_members_stay_as_they_are():
    models = _members.vectors()
    before = [[v.trainable for v in model.variables] for model in models]
    names = [[layer.name for layer in model.layers] for model in models]
    model = ensembles.average(models)
    assert [[v.trainable for v in model.variables] for model in models] == before
    assert [[layer.name for layer in model.layers] for model in models] == names
    assert not {id(v) for v in model.variables} & {id(v) for m in models for v in m.variables}


@pytest.mark.parametrize("weights", ["best", [1, 2], [1, -1, 1], [0, 0, 0], {"unknown": [1, 1, 1]}, 3, {"ink": [1]}])
def test_wrong_weights(weights):
    with pytest.raises(ValueError, match="`weights"):
        ensembles.average(_members.vectors(), weights)


def test_validation_data_belong_to_fitted_weights():
    models, (x, y, weight) = _members.vectors(), _members.vector_data()
    with pytest.raises(ValueError, match="`valid` must be held-out data"):
        ensembles.average(models, "validation")
    with pytest.raises(ValueError, match="`valid` must be None"):
        ensembles.average(models, None, (x, y))
    with pytest.raises(ValueError, match="`valid` must be arrays"):
        ensembles.average(models, "validation", x)
    with pytest.raises(ValueError, match="none of the task 'odd'"):
        ensembles.average(models, "validation", (x, y, weight | {"odd": np.zeros(12)}))


def test_the_reference_votes():
    assert isinstance(voting([np.ones((2, 1))], "soft"), VotingClassifier)
    assert Known([[0.25]]).predict_proba(np.zeros((1, 1))).tolist() == [[0.75, 0.25]]
