"""Members' probabilities as classifiers of scikit-learn that are fitted already."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import VotingClassifier
from sklearn.preprocessing import LabelEncoder


class Known(ClassifierMixin, BaseEstimator):
    """A classifier whose rows are numbers of rows of known probabilities, [N, K], or [N, 1] of yes."""

    def __init__(self, probabilities):
        self.probabilities = probabilities

    def fit(self, x, y):
        self.classes_ = np.arange(self._table().shape[1])
        return self

    def predict_proba(self, x):
        return self._table()[np.asarray(x)[:, 0].astype(int)]

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)

    def _table(self):
        table = np.asarray(self.probabilities, "float64")
        return np.concatenate([1 - table, table], axis=1) if table.shape[1] == 1 else table


def voting(probabilities, how, weights=None):
    """Returns a fitted `VotingClassifier` over members' probabilities."""
    members = [Known(p).fit(None, None) for p in probabilities]
    names = [f"member{i}" for i in range(len(members))]
    classifier = VotingClassifier(list(zip(names, members, strict=True)), voting=how, weights=weights)
    classifier.estimators_ = members
    classifier.le_ = LabelEncoder().fit(members[0].classes_)
    classifier.classes_ = members[0].classes_
    return classifier
