"""The loss of the cells of a grid, against values by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.losses import DetectionLoss

SOFTPLUS = {z: np.log1p(np.exp(z)) for z in (-3.0, -1.0, 0.0, 2.0)}


def data():
    """Two images of one row of two cells; an object of class 1 in the second cell of the first image."""
    labels = np.zeros((2, 1, 2, 6), "float32")
    labels[..., 5] = -1
    labels[0, 0, 1] = [0.25, 0.5, 0.75, 0.75, 1, 1]  # centre 0.5 and 0.25 in the cell, roots √0.5 and 0.5
    raw = np.zeros((2, 1, 2, 7), "float32")  # centres and roots of 0.5, confidences of 0.5, classes of 0.5
    raw[0, 0, 1] = [0, 0, 0, 0, 2, 1, 0]
    raw[1, 0, 0, 4] = -1
    raw[1, 0, 1, 4] = -3
    return labels, raw


def by_hand(box_weight=5.0, no_object_weight=0.5):
    """Returns the values of the entries [2, 1, 2, 6]."""
    values = np.zeros((2, 1, 2, 6))
    values[0, 0, 0, 4] = no_object_weight * np.log(2)
    values[0, 0, 1, :4] = box_weight * np.array([0, 0.25**2, (0.5 - np.sqrt(0.5)) ** 2, 0])
    values[0, 0, 1, 4] = SOFTPLUS[2.0] - 2  # -log sigmoid(2)
    values[0, 0, 1, 5] = np.log(1 + np.e)  # of logits 1 and 0
    values[1, 0, :, 4] = no_object_weight * np.array([SOFTPLUS[-1.0], SOFTPLUS[-3.0]])
    return values


@pytest.mark.parametrize("arguments", [{}, {"box_weight": 2.0, "no_object_weight": 0.1}])
def test_by_hand(arguments):
    values = by_hand(**arguments)
    np.testing.assert_allclose(DetectionLoss(reduction="none", **arguments)(*data()), values, atol=1e-6)
    assert float(DetectionLoss(reduction="sum", **arguments)(*data())) == pytest.approx(values.sum(), rel=1e-5)
    assert float(DetectionLoss(**arguments)(*data())) == pytest.approx(values.sum() / 2, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.graph
def test_the_same_in_a_graph_with_finite_gradients(jit_compile):
    labels, raw = data()

    @tf.function(jit_compile=jit_compile)
    def loss_and_gradient(raw):
        with tf.GradientTape() as tape:
            tape.watch(raw)
            value = DetectionLoss()(labels, raw)
        return value, tape.gradient(value, raw)

    value, gradient = loss_and_gradient(tf.constant(raw))
    assert float(value) == pytest.approx(by_hand().sum() / 2, rel=1e-5)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[1, :, :, :4]).max() == np.abs(gradient[1, :, :, 5:]).max() == 0  # no object, no box
    assert float(gradient[1, 0, 0, 4]) == pytest.approx(0.5 / 2 / (1 + np.e), rel=1e-5)
    value, gradient = loss_and_gradient(tf.constant(1e4 * np.sign(raw - 0.1)))
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_weights_of_images():
    labels, raw = data()
    images = by_hand().sum(axis=(1, 2, 3))
    weights = np.array([2.0, 0.5])
    for given in (weights, weights[:, None]):
        mean = DetectionLoss(reduction="mean_with_sample_weight")(labels, raw, given)
        assert float(mean) == pytest.approx((images * weights).sum() / 2.5, rel=1e-5)
        assert float(DetectionLoss()(labels, raw, given)) == pytest.approx((images * weights).sum() / 2, rel=1e-5)


def test_weights_of_entries():
    labels, raw = data()
    weights = np.ones(labels.shape)
    weights[0, 0, 0] = 0  # nobody knows what is in this cell
    weights[0, 0, 1, 5] = 0  # and of which class this is
    total = (by_hand() * weights).sum()
    assert total < by_hand().sum()
    assert float(DetectionLoss(reduction="sum")(labels, raw, weights)) == pytest.approx(total, rel=1e-5)


def test_no_label_at_all_is_zero():
    labels, raw = data()
    for zeros in (np.zeros(2), np.zeros(labels.shape)):
        assert float(DetectionLoss(reduction="mean_with_sample_weight")(labels * 0, raw, zeros)) == 0.0


@pytest.mark.parametrize("shape", [(2, 2, 1, 6), (2, 1, 2, 7), (2, 1, 6), (2, 1, 2)])
def test_labels_of_another_shape(shape):
    error = r"`y_true` must be of shape \(2, 1, 2, 6\) for `y_pred` of shape \(2, 1, 2, 7\).*grid=\(1, 2\)"
    with pytest.raises(ValueError, match=error):
        DetectionLoss()(np.zeros(shape, "float32"), data()[1])


@pytest.mark.parametrize("argument", ["box_weight", "no_object_weight"])
def test_bad_arguments(argument):
    with pytest.raises(
        ValueError, match=rf"`{argument}` must be a finite number of at least 0\. Received: {argument}=-1"
    ):
        DetectionLoss(**{argument: -1})


def test_config_round_trip():
    loss = DetectionLoss(2.0, 0.25, reduction="sum", name="own")
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(copy) is DetectionLoss
    assert copy.get_config() == loss.get_config()
    assert (copy.box_weight, copy.no_object_weight) == (2.0, 0.25)
