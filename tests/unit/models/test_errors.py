"""Every wrong name is a clear ValueError, at `compile` or at the first batch."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy

NAMES = r"\['digit', 'odd', 'marks', 'ink'\]"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"loss": {"digitt": "mse"}}, rf"`loss` has unknown keys \['digitt'\].*{NAMES}"),
        ({"loss": {"digit": None}}, rf"`loss` lacks the tasks \['digit'\].*{NAMES}"),
        ({"loss": ["mse", "mse"]}, rf"`loss` must be a dict by task name.*{NAMES}"),
        ({"loss_weights": {"digitt": 1.0}}, rf"`loss_weights` has unknown keys \['digitt'\].*{NAMES}"),
        ({"loss_weights": [1.0, 2.0, 1.0, 1.0]}, rf"`loss_weights` must be a dict.*{NAMES}"),
        ({"loss_weights": {"odd": -1.0}}, r"`loss_weights\['odd'\]` must be a finite number of at least 0. Received: "),
        ({"metrics": {"od": ["accuracy"]}}, rf"`metrics` has unknown keys \['od'\].*{NAMES}"),
        ({"metrics": ["accuracy"]}, rf"`metrics` must be a dict.*{NAMES}"),
        ({"weighted_metrics": {"od": []}}, rf"`weighted_metrics` has unknown keys \['od'\].*{NAMES}"),
        ({"weighting": "pcgraad"}, "Unknown name 'pcgraad' in mtl_keras.weightings. Expected one of"),
    ],
)
def test_compile(arguments, error):
    with pytest.raises(ValueError, match=error):
        toy.model(**arguments)


def test_compile_of_a_graph_of_ones_own_needs_every_loss():
    image = keras.Input((3,), name="image")
    outputs = {"a": keras.layers.Dense(1)(image), "b": keras.layers.Dense(1)(image)}
    model = mtl.MultiTaskModel(image, outputs)
    with pytest.raises(ValueError, match=r"`loss` lacks the tasks \['b'\].*Expected the keys \['a', 'b'\]"):
        model.compile("adam", loss={"a": "mse"})


@pytest.fixture(scope="module")
def model():
    return toy.model()


def _without(labels, task):
    return {name: label for name, label in labels.items() if name != task}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda y: list(y.values()), rf"`y` must be a dict by task name.*{NAMES}"),
        (lambda y: y["digit"], rf"`y` must be a dict by task name.*{NAMES}.*an array"),
        (lambda y: {**_without(y, "digit"), "digitt": y["digit"]}, rf"`y` has unknown keys \['digitt'\].*{NAMES}"),
        (lambda y: {**y, "extra": y["digit"]}, rf"`y` has unknown keys \['extra'\].*{NAMES}"),
        (lambda y: _without(y, "odd"), rf"`y` lacks the tasks \['odd'\].*{NAMES}"),
        (lambda y: {**y, "marks": y["marks"][:, :2]}, r"`y\['marks'\]` has shape \(None, 2\).*\(None, 3\)"),
    ],
    ids=["list", "one_array", "misspelt", "unknown", "missing", "wrong_width"],
)
@pytest.mark.graph  # which knows no number of rows
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_labels(model, method, change, error):
    x, y = toy.arrays()
    with pytest.raises(ValueError, match=error):
        getattr(model, method)(x, change(y), verbose=0)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda w: list(w.values()), rf"`sample_weight` must be a dict by task name.*{NAMES}"),
        (lambda w: {**_without(w, "ink"), "inc": w["ink"]}, rf"`sample_weight` has unknown keys \['inc'\].*{NAMES}"),
        (lambda w: _without(w, "ink"), rf"`sample_weight` lacks the tasks \['ink'\].*{NAMES}"),
        (lambda w: {**w, "odd": np.ones((len(w["odd"]), 1, 1))}, r"`sample_weight\['odd'\]` must have shape"),
    ],
    ids=["list", "misspelt", "missing", "wrong_rank"],
)
def test_sample_weights(model, change, error):
    x, y = toy.arrays()
    weights = {task: np.ones(len(x)) for task in y}
    with pytest.raises(ValueError, match=error):
        model.fit(x, y, sample_weight=change(weights), verbose=0)


def test_a_failed_fit_leaves_the_model_as_it_was(model):
    x, y = toy.arrays()
    before = model.get_weights()
    with pytest.raises(ValueError, match="lacks the tasks"):
        model.fit(x, _without(y, "odd"), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_outputs_must_be_a_dict_by_the_names_of_the_tasks():
    image = keras.Input((3,), name="image")
    output = keras.layers.Dense(1)(image)
    with pytest.raises(ValueError, match="`outputs` must be a dict by task name"):
        mtl.MultiTaskModel(image, output)
    with pytest.raises(ValueError, match=r"`outputs` has unknown keys \['b'\].*\['a'\]"):
        mtl.MultiTaskModel(image, {"b": output}, tasks=[mtl.Task("a", mtl.heads.Binary())])


def test_nested_outputs():
    x = keras.Input((2,))
    pair = {"low": keras.layers.Dense(1)(x), "high": keras.layers.Dense(1)(x)}
    with pytest.raises(ValueError, match=r"one tensor per task.*Received: \{'range': \['low', 'high'\]\}"):
        mtl.MultiTaskModel(x, {"range": pair, "b": keras.layers.Dense(1)(x)})


@pytest.mark.parametrize("kind", [dict, list])
def test_a_tower_with_several_outputs(kind):
    x = keras.Input((2,))
    dense = keras.layers.Dense(3)(x)
    tower = keras.Model(x, {"a": dense, "b": dense} if kind is dict else [dense, dense])
    with pytest.raises(ValueError, match=r"`model` must return one tensor, the features. Received: .*keras.Model"):
        mtl.build_model((2,), [mtl.Task("a", mtl.heads.Binary())], tower=tower)


def test_class_weights_of_fit():
    x, y = toy.arrays()
    with pytest.raises(ValueError, match=r"`class_weight` must be None.*mtl_keras.Task\(\.\.\., class_weight"):
        toy.model().fit(x, y, class_weight={0: 1.0, 1: 2.0}, verbose=0)


def test_loss_weights_that_change():
    with pytest.raises(ValueError, match=r"loss_weights\['odd'\].*(?s:.)*weightings.Schedule"):
        toy.model(loss_weights={"odd": keras.Variable(1.0)})


@pytest.mark.parametrize("weighting", ["pcgrad", "graddrop", "modo"])
def test_a_frozen_backbone_leaves_nothing_to_weigh(weighting):
    backbone = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    backbone.trainable = False
    model = toy.model(tower=backbone, weighting=weighting)
    assert model.plan is None
    frozen = [v.numpy() for v in backbone.weights]
    heads = [v.numpy() for v in model.trainable_variables]
    model.fit(*toy.arrays(), verbose=0)
    assert all((v.numpy() == old).all() for v, old in zip(backbone.weights, frozen, strict=True))
    assert all((v.numpy() != old).any() for v, old in zip(model.trainable_variables, heads, strict=True))
