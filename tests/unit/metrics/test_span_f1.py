"""SpanF1 against the package seqeval, on tags of all kinds."""

import numpy as np
import pytest
import seqeval.scheme
from seqeval.metrics import f1_score

from mtl_keras.metrics import SpanF1

PREFIXES = {None: "BIES", "IOB1": "BI", "IOB2": "BI", "IOBES": "BIES"}


def names(scheme):
    return ["O", *(f"{prefix}-{kind}" for prefix in PREFIXES[scheme] for kind in ("city", "date", "air-line"))]


def valid(scheme, rng, length):
    """Returns a sequence of tags that is valid under a scheme, with spans side by side."""
    tags, before = [], None
    while len(tags) < length:
        kind, size = rng.choice(["O", "city", "date", "air-line"]), min(int(rng.integers(1, 4)), length - len(tags))
        if kind == "O":
            tags.append("O")
        elif scheme == "IOB1":
            tags += [f"B-{kind}" if kind == before else f"I-{kind}"] + [f"I-{kind}"] * (size - 1)
        elif scheme == "IOB2" or size > 1:
            inside = ["I"] * (size - 1) if scheme == "IOB2" else ["I"] * (size - 2) + ["E"]
            tags += [f"{prefix}-{kind}" for prefix in ("B", *inside)]
        else:
            tags.append(f"S-{kind}")
        before = kind
    return tags


def corrupted(tags, scheme, rng, rate):
    wrong = rng.uniform(size=len(tags)) < rate
    return [str(rng.choice(names(scheme))) if bad else tag for tag, bad in zip(tags, wrong, strict=True)]


def padded(sentences, scheme):
    ids = {tag: i for i, tag in enumerate(names(scheme))}
    array = np.full((len(sentences), max(map(len, sentences))), -1)
    for row, tags in zip(array, sentences, strict=True):
        row[: len(tags)] = [ids[tag] for tag in tags]
    return array


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("scheme", PREFIXES)
@pytest.mark.parametrize("kind", ["valid", "near", "any"])
def test_equals_seqeval(scheme, kind):
    """On labels that are valid, valid but for some tags, or arbitrary; predictions are the labels with errors."""
    rng = np.random.default_rng(0)
    strict = {} if scheme is None else {"mode": "strict", "scheme": getattr(seqeval.scheme, scheme)}
    metric = SpanF1(names(scheme), scheme)
    labels, predictions = [], []
    for _ in range(5):
        batch = [valid(scheme or "IOBES", rng, int(rng.integers(1, 12))) for _ in range(80)]
        batch = [corrupted(tags, scheme, rng, {"valid": 0.0, "near": 0.1, "any": 1.0}[kind]) for tags in batch]
        guesses = [corrupted(tags, scheme, rng, 0.2) for tags in batch]
        metric.update_state(padded(batch, scheme), np.maximum(padded(guesses, scheme), 0))
        labels, predictions = labels + batch, predictions + guesses
        assert float(metric.result()) == pytest.approx(f1_score(labels, predictions, **strict), abs=1e-9)
    assert 0.1 < float(metric.result()) < 0.99


def test_values_worked_out_by_hand():
    metric = SpanF1(["O", "B-x", "I-x", "B-y"], scheme="IOB2")
    #                      x x . y  y              x x . y      y
    metric.update_state([[1, 2, 0, 3, 3]], [[1, 2, 0, 3, 0]])
    assert float(metric.result()) == pytest.approx(2 * 2 / (3 + 2))
    metric.update_state([[1, 2, 2]], [[1, 2, 0]])  # too short
    assert float(metric.result()) == pytest.approx(2 * 2 / (4 + 3))
    metric.update_state([[0, 1]], [[0, 3]])  # of another type
    assert float(metric.result()) == pytest.approx(2 * 2 / (5 + 4))
    metric.update_state([[0, 0]], [[0, 2]])  # no entity under this scheme
    assert float(metric.result()) == pytest.approx(2 * 2 / (5 + 4))


def test_tokens_without_a_label_in_between_are_taken_out():
    """As where a word is cut in parts of which the first alone has a label."""
    metric = SpanF1(["O", "B-x", "I-x"])
    metric.update_state([[1, -1, 2, -1, 0]], [[1, 0, 2, 1, 0]])
    assert float(metric.result()) == 1.0
    metric.update_state([[1, 0, 2, 0, 0]], [[1, 0, 2, 1, 0]], sample_weight=[[1, 0, 1, 0, 1]])
    assert float(metric.result()) == 1.0


def test_an_entity_counts_by_the_weight_of_its_first_token():
    metric = SpanF1(["O", "B-x", "I-x"])
    metric.update_state([[1, 2, 1]], [[1, 2, 0]], sample_weight=[[3.0, 1.0, 2.0]])
    assert float(metric.result()) == pytest.approx(2 * 3 / (5 + 3))


@pytest.mark.parametrize("scheme", ["IOB3", "iob2", 2])
def test_unknown_scheme(scheme):
    with pytest.raises(ValueError, match=r"`scheme` must be one of None, 'IOB1', 'IOB2', 'IOBES'. Received"):
        SpanF1(["O"], scheme)


@pytest.mark.parametrize("tag", ["S-x", "x", "B", "B-", 3, "", "BI-x"])
def test_a_tag_that_is_none_of_the_scheme(tag):
    with pytest.raises(ValueError, match=r"`tags` must be 'O' or begin with one of \['B-', 'I-'\] under this scheme"):
        SpanF1(["O", tag], "IOB2")


def test_labels_of_another_rank():
    with pytest.raises(ValueError, match=r"`y_true` must be tags \[B, L\].*Received: y_true of shape \(2,\)"):
        SpanF1(["O", "B-x"]).update_state(np.array([0, 1]), np.array([[0, 1]]))
