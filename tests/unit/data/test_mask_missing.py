"""Missing labels become label 0 with weight 0."""

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras.data import mask_missing


def check(result, label, weight):
    (labels, weights), task = result, "t"
    np.testing.assert_array_equal(labels[task], label)
    np.testing.assert_array_equal(weights[task], weight)
    assert weights[task].dtype == tf.float32


@pytest.mark.parametrize(
    ("y", "missing", "label", "weight"),
    [
        (np.array([1.5, np.nan]), "auto", [1.5, 0], [1, 0]),
        (np.array([[1.5], [np.nan]]), "auto", [[1.5], [0]], [1, 0]),
        (np.array([4, -1]), "auto", [4, 0], [1, 0]),
        (np.array([4, -3]), "auto", [4, -3], [1, 1]),
        (np.array([4, 255], "uint8"), "auto", [4, 255], [1, 1]),
        (np.array([4, 255], "uint8"), 255, [4, 0], [1, 0]),
        (np.array([4, 255], "uint8"), -1, [4, 255], [1, 1]),
        (np.array([True, False]), "auto", [True, False], [1, 1]),
        (np.array([-1, -2]), {"t": -1}, [0, -2], [0, 1]),
        (np.array([-1, -2]), {"t": None}, [-1, -2], [1, 1]),
        (np.array([-1, -2]), None, [-1, -2], [1, 1]),
        (np.array([-9.0, 2.0]), -9, [0, 2], [0, 1]),
        (np.array([4, 5]), np.nan, [4, 5], [1, 1]),
        (np.array([4.0, np.nan]), np.nan, [4, 0], [1, 0]),
        (np.array(["a", ""]), "", [b"a", b""], [1, 0]),
        (np.array(["a", "b"]), "auto", [b"a", b"b"], [1, 1]),
        (np.array([[1, -1], [1, 0]]), "auto", [[1, 0], [1, 0]], [[1, 0], [1, 1]]),
        (np.array([[1, 0], [1, 0]]), None, [[1, 0], [1, 0]], [1, 1]),
    ],
)
def test_values(y, missing, label, weight):
    check(mask_missing({"t": y}, missing=missing), label, weight)


def test_weights_are_multiplied_in():
    y = {"t": np.array([1.0, np.nan, 3.0])}
    check(mask_missing(y, np.array([2, 2, 0])), [1, 0, 3], [2, 0, 0])
    check(mask_missing(y, {"t": np.array([[2], [2], [0]])}), [1, 0, 3], [2, 0, 0])
    check(mask_missing({"t": np.array([[1.0, np.nan]])}, np.array([2])), [[1, 0]], [[2, 0]])
    check(mask_missing({"t": np.array([[1.0, np.nan]])}, np.array([[2, 5]])), [[1, 0]], [[2, 0]])


def test_nan_of_weight_zero_is_cleaned_whatever_stands_for_missing():
    y = {"t": np.array([np.nan, -9.0, 3.0])}
    check(mask_missing(y, np.array([0.0, 1.0, 0.0]), missing=-9), [0, 0, 3], [0, 0, 0])


def test_in_a_pipeline():
    y = {"t": np.array([1, -1, 2, 3]), "u": np.array([[1.0, np.nan]] * 4, "float32")}
    dataset = tf.data.Dataset.from_tensor_slices(y).batch(3).map(mask_missing)
    labels, weights = zip(*dataset.as_numpy_iterator(), strict=True)
    np.testing.assert_array_equal(np.concatenate([label["t"] for label in labels]), [1, 0, 2, 3])
    np.testing.assert_array_equal(np.concatenate([weight["t"] for weight in weights]), [1, 0, 1, 1])
    np.testing.assert_array_equal(np.concatenate([weight["u"] for weight in weights]), [[1, 0]] * 4)


def test_in_a_pipeline_no_other_negative_value_passes():
    dataset = tf.data.Dataset.from_tensors({"t": np.array([1, -2])}).map(mask_missing)
    with pytest.raises(tf.errors.InvalidArgumentError, match="negative values other than -1"):
        next(iter(dataset))


@pytest.mark.parametrize(
    ("label", "missing", "weight"),
    [
        ([-1, 1, 1], {"t": -1}, [0, 1, 1]),  # said to be missing
        ([-1, 1, 1], {"t": None}, [1, 1, 1]),  # said to be a value
        ([-1, 1, 0], "auto", [0, 1, 1]),  # a class 0 says it
        ([-1, 2, 1], "auto", [0, 1, 1]),
        ([-1, -1], "auto", [0, 0]),  # none is there
        ([1, 1], "auto", [1, 1]),
        ([-1.0, 1.0], "auto", [1, 1]),  # NaN is missing in floats
    ],
)
def test_minus_one_beside_one(label, missing, weight):
    _, found = mask_missing({"t": np.array(label)}, missing=missing)
    np.testing.assert_array_equal(found["t"], weight)


def test_labels_of_unknown_rank():
    def lose(label):
        return mask_missing({"t": tf.numpy_function(lambda t: t, [label], tf.int64)})

    with pytest.raises(ValueError, match=r"`y\['t'\]` must have a known number of axes.*ensure_shape"):
        tf.data.Dataset.from_tensors(np.arange(3)).map(lose)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2],), r"`y` must be a dict .* Received: list"),
        (({},), r"at least one task"),
        (({"t": [-1, -2]},), r"`missing={'t': -1}`, or another value, or None"),
        (
            ({"t": [-1, 1, 1]},),
            r"`y\['t'\]` holds only the integers -1 and 1.*code.*0 and 1.*: None.*`missing={'t': -1}`",
        ),
        (({"t": np.array([[-1, 1], [1, -1]], "int8")},), r"`y\['t'\]` holds only the integers -1 and 1"),
        (({"t": None},), r"`y\['t'\]` must be an array. Received: None. Pass missing labels as NaN or -1"),
        (({"t": [[1], [1, 2]]},), r"`y\['t'\]` must be an array of numbers"),
        (({"t": tf.ragged.constant([[1], [1, 2]])},), r"`y\['t'\]` must be an array. Received: a RaggedTensor"),
        (({"t": [1]}, {"t": [1], "u": [1]}), r"`sample_weight` has unknown keys \['u'\]"),
        (
            ({"t": [1], "u": [1]}, {"t": [1]}),
            r"`sample_weight` lacks the tasks \['u'\]. Expected the keys \['t', 'u'\]",
        ),
        (({"t": [1]}, None, {"u": 0}), r"`missing` has unknown keys \['u'\]"),
        (({"t": [1, 2]}, [1.0, 1.0, 1.0]), r"weights of 't' .*Received: `sample_weight` of shape \(3,\)"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        mask_missing(*arguments)
