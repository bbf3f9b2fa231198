"""What a comparison does on request: a baseline of equal size, and towers that serve other tasks."""

import keras
import pytest

import mtl_keras as mtl
from mtl_keras.study._measures import transfers
from tests.unit.study._problem import build, compare

pytestmark = pytest.mark.slow


def test_single_tasks_of_equal_size():
    """Models of width w have 11 w + 4 and 8 w + 1 parameters, a joint one of 4 53: 3 gives 62, and 2 gives 43."""
    study = compare({"sum": {}}, equal_size="width", seeds=1, epochs=1)
    assert study.candidates == ["single-task", "sum", "single-task, equal size"]
    sizes = {name: sum(study.runs(name)[0]["parameters"]) for name in study.candidates}
    assert sizes == {
        "single-task": 81,
        "sum": 53,
        "single-task, equal size": 62,
    }
    assert [study.about["candidates"][name].get("width") for name in study.candidates] == [None, None, "3"]


def test_candidates_of_some_tasks():
    """A main task with and without another one; the study stores that it is of such."""

    def function(tasks=("digit", "odd"), sharing="hard"):
        heads = {"digit": mtl.heads.Multiclass(4), "odd": mtl.heads.Binary()}
        tasks = [mtl.Task(name, heads[name]) for name in tasks]
        model = mtl.build_model((6,), tasks, tower=mtl.towers.MLP((4,)), sharing=sharing)
        model.compile(keras.optimizers.Adam(0.02))
        return model

    study = compare({"digit alone": {"tasks": ["digit"]}, "both": {}}, function, baseline="both", subsets=True, seeds=1)
    assert list(study.runs("digit alone")[0]["test"]) == ["digit"]
    assert list(study.runs("both")[0]["test"]) == ["digit", "odd"]
    assert not study.has("digit alone", "odd")


def test_what_does_not_make_the_model_larger():
    def function(sharing="hard", layers=3):
        return build(sharing)

    with pytest.raises(ValueError, match="must be a parameter that makes the model larger"):
        compare({"sum": {}}, function, equal_size="layers")


def test_a_tower_serves_another_task_as_far_as_its_features_do():
    """`digit` tells `odd`, whose tower of one unit cannot tell the four digits; no tower is changed by it."""
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(4, hidden=(4,))), mtl.Task("odd", mtl.heads.Binary())]

    def function(sharing="hard"):
        inputs = keras.Input((6,))
        towers = {"digit": keras.layers.Dense(16, "relu", name="wide"), "odd": keras.layers.Dense(1, name="narrow")}
        features = {task: tower(inputs) for task, tower in towers.items()}
        outputs = {task.name: task.head(features[task.name], task.name) for task in tasks}
        makers = {task: tower.name for task, tower in towers.items()}
        model = mtl.MultiTaskModel(inputs, outputs, tasks=tasks, feature_layers=makers)
        model.compile(keras.optimizers.Adam(0.05))
        return model

    study = compare({"apart": {}}, function, baseline="apart", transfer=True, epochs=8, seeds=1)
    for run in study.runs("apart").values():
        assert run["transfer"]["digit"]["odd"] > run["test"]["odd"]["accuracy"] - 0.1
        assert run["transfer"]["odd"]["digit"] < run["test"]["digit"]["accuracy"] - 0.1
    head, digit, odd = transfers(study)
    assert head == ["tower of", "digit accuracy", "odd accuracy"]
    assert digit[1].endswith("(own)")
    assert float(odd[1]) == pytest.approx(study.runs("apart")[0]["transfer"]["odd"]["digit"], abs=6e-4)
