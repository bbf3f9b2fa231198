"""What heads decide, on numbers worked out by hand."""

import numpy as np
import pytest

import mtl_keras as mtl

PROBABILITIES = np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], "float32")


def _decode(head, output, **arguments):
    return {what: np.asarray(tensor) for what, tensor in head.decode(output, **arguments).items()}


def test_multiclass():
    decoded = _decode(mtl.heads.Multiclass(3), PROBABILITIES)
    np.testing.assert_array_equal(decoded.pop("label"), [1, 0])
    np.testing.assert_allclose(decoded.pop("score"), [0.7, 0.5])
    assert not decoded


@pytest.mark.parametrize("top_k", [2, 3, 9])
def test_multiclass_in_order(top_k):
    decoded = _decode(mtl.heads.Multiclass(3), PROBABILITIES, top_k=top_k)
    np.testing.assert_array_equal(decoded["label"], [1, 0])
    np.testing.assert_array_equal(decoded["top_label"], np.array([[1, 2, 0], [0, 2, 1]])[:, :top_k])
    np.testing.assert_allclose(decoded["top_score"], np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]])[:, :top_k])


def test_binary():
    decoded = _decode(mtl.heads.Binary(), np.array([[0.75], [0.25], [0.5]], "float32"))
    np.testing.assert_array_equal(decoded["label"], [1, 0, 0])  # above the threshold, as `BinaryAccuracy` has it
    np.testing.assert_allclose(decoded["score"], [0.75, 0.75, 0.5])
    assert set(decoded) == {"label", "score"}


@pytest.mark.parametrize("top_k", [None, 1, 2, 9])
def test_multilabel(top_k):
    output = np.array([[0.9, 0.2, 0.95], [0.3, 0.2, 0.1]], "float32")
    decoded = _decode(mtl.heads.Multilabel(3), output, top_k=top_k)
    np.testing.assert_array_equal(decoded["label"], np.array([[2, 0, 1], [0, 1, 2]])[:, :top_k])
    np.testing.assert_allclose(decoded["score"], np.array([[0.95, 0.9, 0.2], [0.3, 0.2, 0.1]])[:, :top_k])
    assert set(decoded) == {"label", "score"}


def test_regression_is_its_own_answer():
    assert mtl.heads.Regression(2).decode(PROBABILITIES) == {}
    assert mtl.heads.Regression(2).num_labels is None


def test_ordinal_decides_for_the_median():
    output = np.array([[0.4, 0.05, 0.55], [0.4, 0.2, 0.4], [0.6, 0.2, 0.2]], "float32")
    decoded = _decode(mtl.heads.Ordinal(3, predict="probabilities"), output)
    np.testing.assert_array_equal(decoded["label"], [2, 1, 0])  # the rank where half of the probability is reached
    np.testing.assert_allclose(decoded["score"], [0.55, 0.2, 0.6])
    ranks = np.array([2, 1, 0])
    assert mtl.heads.Ordinal(3).decode(ranks) == {"label": ranks}


@pytest.mark.parametrize("top_k", [None, 2])
def test_segmentation(top_k):
    decoded = _decode(mtl.heads.Segmentation(3), PROBABILITIES[None, :, None], top_k=top_k)
    np.testing.assert_array_equal(decoded["label"], [[[1], [0]]])
    np.testing.assert_allclose(decoded["score"], [[[0.7], [0.5]]])
    if top_k:
        np.testing.assert_array_equal(decoded["top_label"], [[[[1, 2]], [[0, 2]]]])
    classes = np.array([[[1]]])
    assert mtl.heads.Segmentation(3, predict="classes").decode(classes) == {"label": classes}


@pytest.mark.parametrize("head", [mtl.heads.Count(), mtl.heads.Quantiles(), mtl.heads.Gaussian()])
def test_numbers_are_their_own_answer(head):
    assert head.decode(PROBABILITIES) == {}
    assert head.num_labels is None


def test_how_many_labels_there_are():
    heads = [mtl.heads.Multiclass(4), mtl.heads.Binary(), mtl.heads.Multilabel(3)]
    assert [head.num_labels for head in heads] == [4, 2, 3]
