"""What holds for every loss."""

import keras
import numpy as np
import pytest

from mtl_keras import _registry, losses
from mtl_keras.losses import ElementwiseBinaryCrossentropy, ElementwiseMeanSquaredError

CASES = {  # class: Keras' own loss, that it equals without weights or with a weight a row
    ElementwiseBinaryCrossentropy: keras.losses.BinaryCrossentropy,
    ElementwiseMeanSquaredError: keras.losses.MeanSquaredError,
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
    # `CRFLikelihood`, which Keras has no like of, has tests of its own.
    assert {cls.__module__.rsplit(".", 1)[-1] for cls in CASES} == set(_registry.names("losses")) - {"crf_likelihood"}
    assert {cls.__name__ for cls in CASES} == set(losses.__all__) - {"CRFLikelihood"}


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
