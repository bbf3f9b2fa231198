"""`specialists`: outputs to the last bit, nothing of other tasks, errors."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import ensembles
from tests.unit.ensembles import _members


def test_each_task_is_that_of_its_model():
    x, y, weight = _members.vector_data()
    a, b, _ = _members.vectors()
    model = ensembles.specialists({"visits": a, "digit": b})
    assert model.task_names == ["visits", "digit"]
    found = model(x, training=False)
    np.testing.assert_array_equal(found["visits"], a(x, training=False)["visits"])
    np.testing.assert_array_equal(found["digit"], b(x, training=False)["digit"])
    assert len([layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]) == 4
    labels, weights = ({task: of[task] for task in ("visits", "digit")} for of in (y, weight))
    figures = model.test_on_batch(x, labels, weights, return_dict=True)
    expected = b.test_on_batch(x, y, weight, return_dict=True)
    assert figures["digit_accuracy"] == expected["digit_accuracy"]
    assert figures["digit_loss"] == pytest.approx(expected["digit_loss"])


def test_it_is_compiled_as_the_models_were():
    tasks = _members.vector_tasks()[:2]
    models = {task.name: mtl.build_model((4,), [task], tower=mtl.towers.MLP((2,))) for task in tasks}
    models["digit"].compile("sgd", metrics={"digit": ["sparse_top_k_categorical_accuracy"]}, loss_weights={"digit": 3})
    model = ensembles.specialists(models)
    assert model.objectives["digit"].loss_weight == 3
    assert [m.name for m in model.objectives["digit"].task_metrics] == ["sparse_top_k_categorical_accuracy"]
    assert [m.name for m in model.objectives["odd"].task_metrics] == ["accuracy", "auc"]


def test_errors():
    model = _members.vectors()[0]
    other = mtl.build_model(keras.Input((4,), name="x"), _members.vector_tasks()[:1], tower=mtl.towers.MLP((2,)))
    for message, wrong in {
        r"`models` must be a dict": [model],
        r"`models\['age'\]` must have the task 'age'. Received: a model with the tasks": {"age": model},
        r"`models\['digit'\]` must have the inputs of `models\['odd'\]`.*Received: \['x'\]": {
            "odd": model,
            "digit": other,
        },
        r"`models\['odd'\]` must be a `MultiTaskModel`": {"odd": keras.Sequential()},
    }.items():
        with pytest.raises(ValueError, match=message):
            ensembles.specialists(wrong)
