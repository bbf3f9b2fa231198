"""What holds for every loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import _registry, losses
from mtl_keras.losses import (
    ElementwiseBinaryCrossentropy,
    ElementwiseMeanSquaredError,
    GaussianLikelihood,
    OrdinalCrossentropy,
    PairwiseAUC,
    Pinball,
    SoftF1,
)

CASES = {  # class: Keras' own loss, that it equals without weights or with a weight a row
    ElementwiseBinaryCrossentropy: keras.losses.BinaryCrossentropy,
    ElementwiseMeanSquaredError: keras.losses.MeanSquaredError,
}
OF_ROWS = {  # name: (makes a loss with a value a row, number of columns of the predictions, the labels)
    "GaussianLikelihood": (GaussianLikelihood, 2, [0.3, -1.0, 2.0, 0.0]),
    "OrdinalCrossentropy": (OrdinalCrossentropy, 3, [0, 3, 1, 2]),
    "Pinball": (lambda **arguments: Pinball([0.1, 0.5, 0.9], **arguments), 3, [0.3, -1.0, 2.0, 0.5]),
}
OF_BATCHES = {  # name: (makes a loss of the batch as a whole, number of columns of the predictions, the labels)
    "PairwiseAUC": (PairwiseAUC, 1, [1, 0, 1, 0]),
    "PairwiseAUC_of_labels": (PairwiseAUC, 3, [[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]]),
    "SoftF1": (SoftF1, 1, [1, 0, 1, 0]),
    "SoftF1_of_classes": (SoftF1, 3, [2, 0, 1, 2]),
    "SoftF1_of_labels": (
        lambda **arguments: SoftF1("micro", **arguments),
        3,
        [[1, 0, 1], [0, 0, 1], [1, 1, 0], [0] * 3],
    ),
}
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight"]


@pytest.fixture(params=CASES, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


def data(shape=(4, 3)):
    rng = np.random.default_rng(0)
    return (rng.uniform(size=shape) < 0.5).astype("float32"), rng.uniform(0.1, 0.9, shape).astype("float32")


def entries(cls, labels, predictions):
    """Returns the loss of each entry, by Keras' loss of one entry at a time."""
    loss = CASES[cls](reduction="none")
    return loss(labels[..., None], predictions[..., None]).numpy()


def test_every_loss_has_a_case():
    # `CRFLikelihood` and `DetectionLoss`, which Keras has no like of, have tests of their own.
    own = {"crf_likelihood": "CRFLikelihood", "detection_loss": "DetectionLoss"}
    tried = {*CASES, *(type(make()) for make, _, _ in (*OF_ROWS.values(), *OF_BATCHES.values()))}
    assert {cls.__module__.rsplit(".", 1)[-1] for cls in tried} == set(_registry.names("losses")) - set(own)
    assert {cls.__name__ for cls in tried} == set(losses.__all__) - set(own.values())


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_equals_keras_without_weights(cls, reduction):
    labels, predictions = data()
    ours = cls(reduction=reduction)(labels, predictions)
    values = entries(cls, labels, predictions)
    np.testing.assert_allclose(ours, values.sum() if reduction == "sum" else values.mean(), rtol=1e-6)
    if reduction != "sum":
        np.testing.assert_allclose(ours, CASES[cls](reduction=reduction)(labels, predictions), atol=1e-6)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight"])
@pytest.mark.parametrize("shape", [(4, 3), (4, 4), (4, 1), (1, 3)])
@pytest.mark.parametrize("column", [False, True])
def test_a_weight_a_row_equals_keras(cls, reduction, shape, column):
    labels, predictions = data(shape)
    weights = np.array([1.0, 0.0, 2.0, 0.5], "float32")[: shape[0]]
    expected = CASES[cls](reduction=reduction)(labels, predictions, sample_weight=weights)
    if column:
        weights = weights[:, None]
    ours = cls(reduction=reduction)(labels, predictions, sample_weight=weights)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_a_weight_an_entry(cls):
    labels, predictions = data()
    weights = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0.5, 0, 2]], "float32")
    total = (entries(cls, labels, predictions) * weights).sum()
    for reduction, divisor in zip(REDUCTIONS, (12, 1, weights.sum()), strict=True):
        ours = cls(reduction=reduction)(labels, predictions, sample_weight=weights)
        np.testing.assert_allclose(ours, total / divisor, rtol=1e-6)


def test_no_label_at_all_is_zero(cls):
    loss = cls(reduction="mean_with_sample_weight")
    assert float(loss(*data(), sample_weight=np.zeros((4, 3)))) == 0.0


def test_none_reduction_keeps_the_entries(cls):
    labels, predictions = data()
    ours = cls(reduction="none")(labels, predictions, sample_weight=np.array([1.0, 0, 1, 2]))
    expected = entries(cls, labels, predictions) * np.array([[1.0], [0], [1], [2]])
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_labels_without_the_last_axis(cls):
    labels, predictions = data((4, 1))
    np.testing.assert_array_equal(cls()(labels[:, 0], predictions), cls()(labels, predictions))


def test_sequences(cls):
    labels, predictions = data((2, 5, 3))
    weights = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 0]], "float32")
    ours = cls(reduction="mean_with_sample_weight")(labels, predictions, sample_weight=weights)
    expected = (entries(cls, labels, predictions) * weights[..., None]).sum() / 18
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 2), (4, 1), (12,)])
def test_labels_of_another_shape(cls, shape):
    with pytest.raises(ValueError, match=r"`y_true` must have the shape of `y_pred`.*y_pred of shape \(4, 3\)"):
        cls()(np.zeros(shape), data()[1])


def test_config_round_trip(cls):
    loss = cls(reduction="sum", name="own")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is cls
    assert copy.get_config() == loss.get_config()
    assert (copy.reduction, copy.name) == ("sum", "own")


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.graph
def test_trains_saves_and_loads_in_a_model(cls, jit_compile, tmp_path):
    inputs = keras.Input((2,))
    x = keras.layers.Dense(3)(inputs)
    model = keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32")(x))
    model.compile("sgd", loss=cls(reduction="mean_with_sample_weight"), jit_compile=jit_compile)
    labels, predictions = data((8, 3))
    weights = (predictions > 0.4).astype("float32")
    history = model.fit(predictions[:, :2], labels, sample_weight=weights, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    args = {"x": predictions[:, :2], "y": labels, "sample_weight": weights, "verbose": 0}
    assert type(loaded.loss) is cls
    np.testing.assert_allclose(loaded.evaluate(**args), model.evaluate(**args), rtol=1e-6)


def test_missing_entry_has_no_gradient(cls):
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="sigmoid")(inputs))
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), loss=cls())
    model.train_on_batch(np.ones((1, 1)), np.ones((1, 3)), sample_weight=np.array([[1.0, 0.0, 1.0]]))
    moved = [np.abs(a - b) > 0 for a, b in zip(model.get_weights(), before, strict=True)]
    np.testing.assert_array_equal(moved[0], [[True, False, True]])
    np.testing.assert_array_equal(moved[1], [True, False, True])


def predictions(columns, rows=4):
    return np.random.default_rng(1).uniform(0.1, 0.9, (rows, columns)).astype("float32")


@pytest.fixture(params=OF_ROWS)
def of_rows(request):
    make, columns, labels = OF_ROWS[request.param]
    return make, np.array(labels), predictions(columns)


@pytest.fixture(params=[*OF_ROWS, *OF_BATCHES])
def any_loss(request):
    make, columns, labels = {**OF_ROWS, **OF_BATCHES}[request.param]
    return make, np.array(labels), predictions(columns)


@pytest.fixture(params=OF_BATCHES)
def of_batches(request):
    make, columns, labels = OF_BATCHES[request.param]
    return make, np.array(labels), predictions(columns)


def test_rows_count_by_their_weights(of_rows):
    make, labels, p = of_rows
    entries = make(reduction="none")(labels, p).numpy()
    weights = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    assert entries.shape == (4,)
    assert (np.abs(entries) > 1e-3).all()
    for shape in ((4,), (4, 1)):
        for reduction, divisor in zip(REDUCTIONS, (4, 1, 3.5), strict=True):
            value = make(reduction=reduction)(labels.reshape(shape), p, sample_weight=weights.reshape(shape))
            assert float(value) == pytest.approx((entries * weights).sum() / divisor, rel=1e-5)


def test_rows_need_a_label_each(of_rows):
    make, labels, p = of_rows
    with pytest.raises(ValueError, match=r"`y_true` must be of shape \[B\] or \[B, 1\], one label per row"):
        make()(np.stack([labels, labels], axis=1), p)


def test_a_batch_is_as_if_rows_of_weight_0_were_not_there(of_batches):
    make, labels, p = of_batches
    there = np.array([1.0, 1.0, 1.0, 0.0])
    expected = float(make()(labels[:3], p[:3]))
    assert expected > 0
    for shape in ((4,), (4, 1)):
        assert float(make()(labels, p, sample_weight=there.reshape(shape))) == pytest.approx(expected, rel=1e-5)
    if labels.ndim == 1:
        assert float(make()(labels[:, None], p, sample_weight=there)) == pytest.approx(expected, rel=1e-5)


def test_a_batch_with_a_row_twice_and_with_a_weight_of_2(of_batches):
    make, labels, p = of_batches
    rows = [0, 1, 1, 2, 3]
    value = make()(labels, p, sample_weight=np.array([1.0, 2.0, 1.0, 1.0]))
    assert float(value) == pytest.approx(float(make()(labels[rows], p[rows])), rel=1e-5)


def test_a_batch_with_no_label_at_all_is_zero_with_gradient_zero(of_batches):
    make, labels, p = of_batches
    p = tf.constant(p)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = make()(labels, p, sample_weight=np.zeros(4))
    assert float(value) == 0.0
    np.testing.assert_array_equal(tape.gradient(value, p), np.zeros_like(p))


def test_batches_of_another_shape(of_batches):
    make, _, p = of_batches
    with pytest.raises(
        ValueError, match="`y_true` must have the shape of `y_pred`, or be classes without its last axis"
    ):
        make()(np.zeros((4, 2)), p)


def test_gradients_are_those_of_central_differences(any_loss):
    make, labels, p = any_loss
    p = tf.constant(p)
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = make()(labels, p)
    gradient = tape.gradient(value, p).numpy()
    for index in np.ndindex(*p.shape):
        step = np.zeros_like(p)
        step[index] = 1e-3
        sides = [float(make(dtype="float64")(labels, p.numpy().astype("float64") + sign * step)) for sign in (1, -1)]
        assert gradient[index] == pytest.approx((sides[0] - sides[1]) / 2e-3, abs=2e-4)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.graph
def test_eager_equals_graph(any_loss, jit_compile):
    make, labels, p = any_loss
    function = tf.function(lambda y, p, w: make()(y, p, w), autograph=False, jit_compile=jit_compile)
    weights = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    np.testing.assert_allclose(function(labels, p, weights), make()(labels, p, weights), rtol=1e-5)


def test_config_round_trip_of_the_others(any_loss):
    make, labels, p = any_loss
    loss = make(name="own")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    assert float(copy(labels, p)) == float(loss(labels, p))


def test_a_model_that_trains_by_it_saves_and_loads(any_loss, tmp_path):
    make, labels, p = any_loss
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(p.shape[1], activation="sigmoid")(inputs))
    model.compile(keras.optimizers.SGD(0.1), loss=make())
    x = np.random.default_rng(2).normal(size=(4, 3))
    losses_seen = model.fit(x, labels, epochs=3, verbose=0, shuffle=False).history["loss"]
    assert losses_seen[-1] < losses_seen[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(x, labels, verbose=0) == pytest.approx(model.evaluate(x, labels, verbose=0), rel=1e-6)
