"""Bad input to compare is an error before anything is trained."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import mtl_keras as mtl
from tests.unit.study._problem import TEST, TRAIN, build, compare


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    """A fit would be a fault of its own."""

    def fit(*args, **kwargs):
        raise AssertionError("something was trained")

    monkeypatch.setattr(mtl.MultiTaskModel, "fit", fit)


def not_compiled(sharing="hard"):
    return mtl.build_model((6,), [mtl.Task("digit", mtl.heads.Multiclass(4))], sharing=sharing)


def of_keras(sharing="hard"):
    return keras.Sequential([keras.layers.Dense(2)])


def lacks_a_task(lacks=False):
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(4)), mtl.Task("odd", mtl.heads.Binary())][: 1 if lacks else 2]
    model = mtl.build_model((6,), tasks)
    model.compile("sgd")
    return model


def other_metrics(error=False):
    model = lacks_a_task()
    model.compile("sgd", metrics={"odd": ["mse"]} if error else None)
    return model


def strange_metric():
    def strange(y_true, y_pred):
        return keras.ops.mean(y_pred, axis=-1)

    model = lacks_a_task()
    model.compile("sgd", metrics={"odd": [strange]})
    return model


X, Y = TEST
NO_ODD = X, {"digit": Y["digit"]}
NEVER_ODD = X, {**Y, "odd": np.full(len(X), -1)}
ALONE = {"baseline": "a"}


@pytest.mark.parametrize(
    ("candidates", "options", "message"),
    [
        ({"a": {"fails": True}}, {}, "`build` failed for the candidate 'a': RuntimeError: no such model"),
        ({"a": {"rat": 0.1}}, {}, r"`candidates\['a'\]` has parameters \['rat'\] that `build` does not take"),
        ({"a": {"sharing": "har"}}, {}, "`build` failed for the candidate 'a': ValueError: Unknown name 'har'"),
        ({"a": {}}, {"function": not_compiled, **ALONE}, "must return a compiled model"),
        ({"a": {}}, {"function": of_keras, **ALONE}, r"must return a mtl_keras.MultiTaskModel.*Received: Sequential"),
        ({"a": {}}, {"function": "build", **ALONE}, "`build` must be a function"),
        ({"a": {}, "b": {"lacks": True}}, {"function": lacks_a_task, **ALONE}, r"tasks \['digit', 'odd'\] of 'a'"),
        (
            {"a": {"lacks": True}, "b": {}},
            {"function": lacks_a_task, "subsets": True, **ALONE},
            r"tasks \['digit'\] of 'a'.*Received: \['digit', 'odd'\]",
        ),
        ({"a": {}}, {"subsets": 1}, "`subsets` must be True or False"),
        ({"a": {}, "b": {"error": True}}, {"function": other_metrics, **ALONE}, "All candidates must have the first"),
        ({"a": {}}, {"function": strange_metric, **ALONE}, "`directions` must say .*'strange'"),
        ({"a": {}}, {"directions": {"odd_accuracy": "max"}}, r"`directions` has unknown keys \['odd_accuracy'\]"),
        ({"a": {}}, {"baseline": "b"}, r"`baseline` must be one of the candidates \['a'\]"),
        ({"a": {}}, {"function": lacks_a_task}, r"candidates\['single-task'\]` has parameters \['sharing'\]"),
        ({}, {}, "`candidates` must be a dict"),
        ("all", {}, "`candidates` must be one of 'shortlist'"),
        ({1: {}}, {}, "`candidates` must have names that are strings"),
        ({"a": 1}, {}, r"`candidates\['a'\]` must be a dict of parameters"),
        ({"a": {}}, {"tune": {"rat": mtl.study.Float(0, 1)}}, r"`tune` has parameters \['rat'\]"),
        ({"a": {}}, {"tune": {"rate": 0.1}}, r"`tune\['rate'\]` must be one of Float, Int"),
        ({"a": {}}, {"test": NO_ODD}, r"`test` has no labels of the tasks \['odd'\]"),
        ({"a": {}}, {"valid": NEVER_ODD}, r"`valid` has no labels of the tasks \['odd'\]"),
        ({"a": {}}, {"train": NO_ODD}, r"`train` has no labels of the tasks \['odd'\]"),
        ({"a": {}}, {"train": X}, "`train` must be arrays"),
        ({"a": {}}, {"seeds": 0}, "`seeds` must be an integer of at least 1"),
        ({"a": {}}, {"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"a": {}}, {"trials": 0}, "`trials` must be"),
        ({"a": {}}, {"epochs": 0}, "`epochs` must be"),
        ({"a": {}}, {"patience": 0}, "`patience` must be"),
        ({"a": {}}, {"budget": "steps"}, "`budget` must be one of"),
        ({"a": {}}, {"equal_size": "rat"}, r"`equal_size` has parameters \['rat'\] that `build` does not take"),
        ({"a": {}}, {"equal_size": "rate"}, "`equal_size` must be a parameter of `build` whose default is an integer"),
        ({"a": {}}, {"transfer": True, **ALONE}, "`transfer` needs a baseline that trains the tasks apart"),
        ({"a": {}}, {"resamples": 1}, "`resamples` must be 0, or from 20 to"),
        ({"a": {}}, {"keep": True}, "`keep` must be one of"),
        ({"a": {}}, {"workers": 2}, "`workers=2` need a common storage"),
        ({"a": {}}, {"workers": 2, "storage": "s.db", "function": lambda sharing: 0}, "Define it at the top"),
        ({"a": {}}, {"workers": 2, "storage": "s.db", "train": mtl.data.from_arrays(*TRAIN)}, "dataset `train`"),
        ({"a": {}}, {"storage": __file__}, "`storage` must be the file of an SQLite database.*file is not a database"),
        ({"a": {}}, {"baselines": {"trees": LogisticRegression}}, "Call the class first if it is one"),
        ({"a": {}}, {"baselines": {"trees": 1}}, r"`baselines\['trees'\]` must be an estimator"),
        ({"a": {}}, {"baselines": {"trees": {"odd": LogisticRegression()}}}, r"with the tasks \['digit', 'odd'\]"),
        ({"a": {}}, {"baselines": {"a": LogisticRegression()}}, r"`baselines` must not have the names of candidates"),
    ],
)
def test_wrong_arguments(candidates, options, message):
    with pytest.raises(ValueError, match=message):
        compare(candidates, **options)


def test_a_storage_of_a_search_is_refused(tmp_path):
    from mtl_keras.study._queue import Queue

    Queue(tmp_path / "s.db", "comparison").set_about({"kind": "search"})
    with pytest.raises(ValueError, match="holds a search under the name 'comparison'"):
        compare({"a": {}}, storage=tmp_path / "s.db")


def test_a_baseline_whose_runs_all_fail(monkeypatch):
    monkeypatch.undo()

    def failing(rate=0.1):
        model = build(rate=rate)
        model.compile("sgd", weighting=Failing())
        return model

    with pytest.raises(RuntimeError, match=r"All runs of the baseline 'a' failed: ValueError: .*never"):
        compare({"a": {}}, failing, baseline="a", seeds=1)


@keras.saving.register_keras_serializable("tests")
class Failing(mtl.weightings.Equal):
    """Fails when it is called."""

    def call(self, losses, present):
        raise ValueError("never")
