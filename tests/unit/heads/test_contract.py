"""What holds for every head."""

import keras
import numpy as np
import pytest

from mtl_keras import heads
from mtl_keras.heads import Binary, Count, Gaussian, Head, Multiclass, Multilabel, Ordinal, Quantiles, Regression
from mtl_keras.layers import Increasing, MeanAndDeviation

# Predictions of two samples and labels, from which the default loss and metrics are worked out by hand.
CASES = {  # class: dict
    Multiclass: {
        "arguments": {"num_classes": 3},
        "units": 3,
        "num_classes": 3,
        "labels": [2, 0],
        "predictions": [[0.25, 0.25, 0.5], [0.25, 0.5, 0.25]],
        "loss": (np.log(2) + np.log(4)) / 2,
        "metrics": {"accuracy": 0.5},
    },
    Binary: {
        "arguments": {},
        "units": 1,
        "num_classes": 2,
        "labels": [1, 0, 1, 1],
        "predictions": [[0.5 + 1e-6], [0.75], [0.25], [0.8]],
        "loss": (np.log(2) + np.log(4) + np.log(4) + np.log(1.25)) / 4,
        "metrics": {"accuracy": 0.5, "auc": 1 / 3},  # of three pairs (yes, no), one is in order
    },
    Multilabel: {
        "arguments": {"num_labels": 2},
        "units": 2,
        "num_classes": 2,
        "labels": [[1, 0], [1, 1]],
        "predictions": [[0.5 + 1e-6, 0.75], [0.25, 0.8]],
        "loss": (np.log(2) + np.log(4) + np.log(4) + np.log(1.25)) / 4,
        "metrics": {"accuracy": 0.5, "auc": 1 / 3, "macro_auc": 1.0},  # the first column has no no
    },
    Regression: {
        "arguments": {"units": 2},
        "units": 2,
        "num_classes": None,
        "labels": [[1.0, 2.0], [3.0, -1.0]],
        "predictions": [[1.5, 2.0], [1.0, -1.0]],
        "loss": (0.25 + 0 + 4 + 0) / 4,
        "metrics": {"mae": (0.5 + 0 + 2 + 0) / 4},
    },
    Ordinal: {
        "arguments": {"num_classes": 3, "predict": "ranks"},
        "units": 2,
        "scores": 1,
        "layers": ["task_linear", "task_thresholds", "task"],
        "num_classes": 3,
        "labels": [2, 0, 1],
        "predictions": [[0.75, 0.5 + 1e-6], [0.75, 0.75], [0.75, 0.25]],  # ranks 2, 2, 1
        "loss": -np.log([0.75, 0.5, 0.25, 0.25, 0.75, 0.75]).sum() / 3,
        "metrics": {"accuracy": 2 / 3, "mae": 2 / 3},
    },
    Count: {
        "arguments": {"link": "softplus"},
        "units": 1,
        "num_classes": None,
        "labels": [3, 0],
        "predictions": [[2.0], [0.5]],
        "loss": (2 - 3 * np.log(2) + 0.5) / 2,
        "metrics": {"mae": (1 + 0.5) / 2},
    },
    Quantiles: {
        "arguments": {"quantiles": [0.1, 0.9], "crossing": False},
        "units": 2,
        "last": Increasing,
        "num_classes": None,
        "labels": [2.0, 5.0],
        "predictions": [[1.0, 4.0], [1.0, 4.0]],
        "loss": ((0.1 + 0.2) / 2 + (0.4 + 0.9) / 2) / 2,
        "metrics": {"coverage": 0.5},
    },
    Gaussian: {
        "arguments": {},
        "units": 2,
        "last": MeanAndDeviation,
        "num_classes": None,
        "labels": [1.0, -1.0],
        "predictions": [[0.0, 2.0], [-1.0, 1.0]],
        "loss": (np.log(2) + 1 / 8 + np.log(2 * np.pi)) / 2,
        "metrics": {"mae": 0.5},
    },
}


@pytest.fixture(params=CASES, ids=lambda cls: cls.__name__)
def case(request):
    return {"cls": request.param, **CASES[request.param]}


def make(case, **arguments):
    return case["cls"](**case["arguments"], **arguments)


def build(head, shape=(5,), name="task"):
    features = keras.Input(shape)
    return keras.Model(features, {name: head(features, name)})


def batch(shape=(5,), rows=4, scale=1.0):
    return (scale * np.random.default_rng(0).normal(size=(rows, *shape))).astype("float32")


def test_every_head_has_a_case():
    # `Detection`, `Segmentation` and `Tagging`, whose labels have positions, have tests of their own.
    assert {cls.__name__ for cls in CASES} == set(heads.__all__) - {"Head", "Detection", "Segmentation", "Tagging"}
    assert all(issubclass(cls, Head) for cls in CASES)


def test_config_round_trip(case):
    head = make(case, hidden=(4, 3), activation="tanh")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert type(copy) is case["cls"]
    assert copy.get_config() == head.get_config() == {**case["arguments"], "hidden": [4, 3], "activation": "tanh"}
    assert copy.hidden == (4, 3)


def test_config_round_trip_of_the_defaults(case):
    copy = case["cls"].from_config(make(case).get_config())
    assert (copy.hidden, copy.activation) == ((), "relu")
    assert copy.num_classes == case["num_classes"]


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_output_name_shape_and_type(case, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = build(make(case, hidden=(4,)), name="a_task")
    finally:
        keras.config.set_dtype_policy("float32")
    output = model.output["a_task"]
    assert output.shape == (None, case["units"])
    assert output.dtype == "float32"
    assert model.layers[-1].name == "a_task"
    assert isinstance(model.layers[-1], case.get("last", keras.layers.Activation))
    assert model.get_layer("a_task_hidden1").compute_dtype == policy.removeprefix("mixed_")
    assert model.get_layer("a_task_linear").compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_hidden_layers_are_the_heads_own(case):
    model = build(make(case, hidden=(4, 3), activation="tanh"))
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.name for layer in dense] == ["task_hidden1", "task_hidden2", "task_linear"]
    assert [layer.units for layer in dense] == [4, 3, case.get("scores", case["units"])]
    assert [layer.activation.__name__ for layer in dense] == ["tanh", "tanh", "linear"]


def test_without_hidden_layers(case):
    model = build(make(case))
    assert [layer.name for layer in model.layers[1:]] == case.get("layers", ["task_linear", "task"])


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)], ids=lambda shape: f"rank{len(shape) + 1}")
def test_features_are_averaged_over_their_positions(case, shape):
    head, x = make(case), batch(shape)
    model = build(head, shape)
    flat = build(head)
    flat.set_weights(model.get_weights())
    averaged = x.reshape(len(x), -1, 5).mean(axis=1)
    np.testing.assert_allclose(model(x)["task"], flat(averaged)["task"], atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 2, 3, 5)])
def test_features_of_another_rank(case, shape):
    error = r"The features of task 'task' must have rank 2, 3 or 4. Received shape \(None, 2, 2, 3, 5\).*Flatten"
    with pytest.raises(ValueError, match=error):
        build(make(case), shape)


def test_predictions_are_in_natural_units(case):
    p = build(make(case))(batch(scale=100.0))["task"].numpy()
    assert np.isfinite(p).all()
    if case["cls"] is Multiclass:
        np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-6)
    if case["cls"] is Regression:
        assert p.min() < -10
        assert p.max() > 10
    elif case["cls"] in (Quantiles, Gaussian):
        assert np.abs(p[:, 0]).max() > 10
        assert (p[:, 1] > 0).all() if case["cls"] is Gaussian else (np.diff(p) >= 0).all()
    elif case["cls"] is Count:
        assert p.min() >= 0
        assert p.max() > 10
    else:
        assert p.min() >= 0
        assert p.max() <= 1


def test_outputs_are_the_activation_of_a_linear_layer(case):
    model, x = build(make(case)), batch()
    kernel, bias = (np.asarray(weight, "float64") for weight in model.get_weights())
    z = x @ kernel + (0 if case["cls"] is Ordinal else bias)
    positive = np.log1p(np.exp(z))
    thresholds = np.array([np.log(1 / 2), np.log(2)])  # of three ranks that are equally probable
    expected = {
        Multiclass: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        Binary: 1 / (1 + np.exp(-z)),
        Multilabel: 1 / (1 + np.exp(-z)),
        Regression: z,
        Ordinal: 1 / (1 + np.exp(thresholds - z[:, :1])),
        Count: positive,
        Quantiles: np.stack([z[:, 0], z[:, 0] + positive[:, -1]], axis=1),
        Gaussian: np.stack([z[:, 0], positive[:, -1] + 1e-3], axis=1),
    }[case["cls"]]
    np.testing.assert_allclose(model(x)["task"], expected, atol=1e-6)


def test_default_loss_by_hand(case):
    loss = make(case).loss()
    value = loss(np.array(case["labels"]), np.array(case["predictions"], "float32"))
    assert isinstance(loss, keras.losses.Loss)
    assert float(value) == pytest.approx(case["loss"], rel=1e-5)


def test_default_metrics_by_hand(case):
    values, head = {}, make(case)
    for metric in head.metrics():
        served = head.predictions(np.array(case["predictions"], "float32"))
        metric.update_state(np.array(case["labels"]), served)
        values[metric.name] = float(metric.result())
    assert values == pytest.approx(case["metrics"], rel=1e-5)


def test_losses_and_metrics_are_new_each_time(case):
    head = make(case)
    assert head.loss() is not head.loss()
    assert all(one is not other for one, other in zip(head.metrics(), head.metrics(), strict=True))


@pytest.mark.parametrize("cls", [Multiclass, Binary, Multilabel, Regression])
def test_labels_as_a_row_or_a_column_are_the_same(cls):
    """Labels [B] against an output [B, 1] must not spread to [B, B]."""
    arguments = {Multiclass: {"num_classes": 3}, Multilabel: {"num_labels": 1}}.get(cls, {})
    head = cls(**arguments)
    labels = np.array([1, 0, 0, 1])
    p = np.array([[0.9], [0.2], [0.4], [0.3]], "float32")
    if cls is Multiclass:
        p = np.concatenate([p / 2, p / 2, 1 - p], axis=1)
    row, column = (head.loss()(y, p) for y in (labels, labels[:, None]))
    assert float(row) == float(column)
    if cls is Regression:
        assert float(row) == pytest.approx((0.01 + 0.04 + 0.16 + 0.49) / 4, rel=1e-6)
    elif cls is not Multiclass:
        assert float(row) == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.3]).mean(), rel=1e-5)
    for metric, other in zip(head.metrics(), head.metrics(), strict=True):
        metric.update_state(labels, p)
        other.update_state(labels[:, None], p)
        assert float(metric.result()) == float(other.result()), metric.name
        if metric.name == "mae":
            assert float(metric.result()) == pytest.approx((0.1 + 0.2 + 0.4 + 0.7) / 4, rel=1e-6)
        if metric.name == "accuracy" and cls is not Multiclass:
            assert float(metric.result()) == 0.75


@pytest.mark.parametrize("cls", [Ordinal, Count, Quantiles, Gaussian])
@pytest.mark.parametrize("weights", [None, [1.0, 0.0, 2.0]])
def test_labels_as_a_row_or_a_column_are_the_same_with_weights(cls, weights):
    head, case = cls(**CASES[cls]["arguments"]), CASES[cls]
    rows = [0, 1, 0]
    labels, p = np.array(case["labels"])[rows], np.array(case["predictions"], "float32")[rows]
    expected = {metric.name: [] for metric in head.metrics()}
    row, column = (head.loss()(y, p, weights) for y in (labels, labels[:, None]))
    assert float(row) == float(column)
    for y in (labels, labels[:, None]):
        for metric in head.metrics():
            metric.update_state(y, head.predictions(p), sample_weight=weights)
            expected[metric.name].append(float(metric.result()))
    for name, (one, other) in expected.items():
        alone = []  # each row by itself
        for i in range(3):
            metric = next(m for m in head.metrics() if m.name == name)
            metric.update_state(labels[i : i + 1], head.predictions(p[i : i + 1]))
            alone.append(float(metric.result()))
        assert one == other == pytest.approx(np.average(alone, weights=weights), rel=1e-5)


@pytest.mark.parametrize(
    ("cls", "labels", "loss", "step"),
    [
        (Multiclass, [0], 500 + np.log(2), 1.0),
        (Binary, [1], 500.0, 1.0),
        (Multilabel, [[1, 1]], (500 + np.log(2)) / 2, 0.5),
    ],
)
def test_default_loss_keeps_the_value_and_the_gradient_of_a_confident_error(cls, labels, loss, step):
    """The loss gets the output untouched and finds the logits behind it: no clipped probabilities."""
    head = cls(**CASES[cls]["arguments"])
    model = build(head, (1,))
    kernel = np.zeros((1, CASES[cls]["units"]), "float32")
    kernel[0, 0] = -500.0
    model.set_weights([kernel, np.zeros(CASES[cls]["units"], "float32")])
    model.compile(keras.optimizers.SGD(1.0), loss={"task": head.loss()})
    assert float(model.train_on_batch(np.ones((1, 1)), {"task": np.array(labels)})) == pytest.approx(loss, rel=1e-6)
    assert model.get_weights()[0][0, 0] == pytest.approx(-500.0 + step)


@pytest.mark.parametrize("hidden", [(0,), (4, -1), (2.5,), (True,), ("4",), 4, "4", None])
def test_bad_hidden(case, hidden):
    with pytest.raises(ValueError, match=r"`hidden` must be a tuple of integers of at least 1. Received: hidden="):
        make(case, hidden=hidden)


@pytest.mark.parametrize(
    ("cls", "argument", "minimum"),
    [
        (Multiclass, "num_classes", 2),
        (Multilabel, "num_labels", 1),
        (Regression, "units", 1),
        (Ordinal, "num_classes", 3),
    ],
)
@pytest.mark.parametrize("value", ["below", -5, 2.5, None, "3", True])
def test_bad_width(cls, argument, minimum, value):
    value = minimum - 1 if value == "below" else value
    error = rf"`{argument}` must be an integer of at least {minimum}. Received: {argument}="
    with pytest.raises(ValueError, match=error):
        cls(**{argument: value})


def test_the_base_class_is_abstract():
    head = Head()
    for method in (head.loss, head.metrics, head._output):
        with pytest.raises(NotImplementedError):
            method()
