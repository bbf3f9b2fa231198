"""`vote`: against scikit-learn, and ties by hand."""

import numpy as np

from mtl_keras import ensembles
from mtl_keras.layers import PoolPredictions
from tests.unit.ensembles import _members
from tests.unit.ensembles._sklearn import voting


def test_equals_hard_voting_of_scikit_learn():
    x, *_ = _members.vector_data(60)
    models = _members.vectors()
    members = [{task: np.array(y) for task, y in model(x, training=False).items()} for model in models]
    for weights in (None, [3, 1, 1]):
        found = ensembles.vote(models, weights)(x, training=False)
        digit = np.array([of["digit"].argmax(axis=1) for of in members])
        clear = weights is not None or (digit[1:] == digit[:1]).any(axis=0) | (digit[1] == digit[2])
        reference = voting([of["digit"] for of in members], "hard", weights)
        np.testing.assert_array_equal(
            np.argmax(found["digit"], axis=1)[clear], reference.predict(np.arange(60)[:, None])[clear]
        )
        reference = voting([of["odd"] for of in members], "hard", weights)
        np.testing.assert_array_equal(np.array(found["odd"])[:, 0] > 0.5, reference.predict(np.arange(60)[:, None]))


def test_ties_are_broken_by_the_mean_probability():
    """Two members, one vote for each of two classes; by hand, with the probabilities as half a vote."""
    outputs = [np.array([[0.6, 0.4, 0.0]]), np.array([[0.1, 0.7, 0.2]])]
    found = np.array(PoolPredictions("classes", "vote")(outputs))[0]
    np.testing.assert_allclose(found, [(1 + 0.175) / 2.5, (1 + 0.275) / 2.5, 0.05 / 2.5], rtol=1e-5)
    found = np.array(PoolPredictions("events", "vote")([np.array([[0.9]]), np.array([[0.4]])]))
    np.testing.assert_allclose(found, [[(1 + 0.325) / 2.5]], rtol=1e-5)


def test_the_tags_of_a_chain_are_votes_by_position():
    x, *_ = _members.sequence_data()
    models = _members.sequences(3)
    real = x != 0
    tags = []
    for model in models:
        head = model.tasks[1].head
        best = type(head)(3, "crf").predictions(model(x, training=False)["slots"])
        tags.append(np.array(best))
    shares = np.array(ensembles.vote(models)(x, training=False)["slots"])
    votes = (np.array(tags)[..., None] == np.arange(3)).sum(axis=0)  # [B, L, 3]
    assert (np.abs(shares * 3.5 - votes)[real] <= 0.5 + 1e-5).all()


def test_what_has_no_classes_is_averaged():
    x, *_ = _members.vector_data()
    models = _members.vectors()
    vote, average = (function(models)(x, training=False) for function in (ensembles.vote, ensembles.average))
    for task in ("ink", "price", "spread", "visits"):
        np.testing.assert_array_equal(vote[task], average[task])


def test_an_ordinal_vote_is_the_median():
    outputs = [np.array([[0.9, 0.8]]), np.array([[0.4, 0.1]]), np.array([[0.7, 0.2]])]  # ranks 2, 0 and 1
    found = np.array(PoolPredictions("events", "vote")(outputs))[0]
    assert (found > 0.5).sum() == 1
