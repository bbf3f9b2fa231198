"""Without a weighting, training is that of a plain `keras.Model` on the same data."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy
from tests.helpers.marks import first_fast


def _graph(regularizer=None):
    image = keras.Input(toy.SHAPE, name="image")
    shared = keras.layers.Dense(8, "relu", kernel_regularizer=regularizer)(keras.layers.Flatten()(image))
    return image, {
        "digit": keras.layers.Dense(4, "softmax", name="digit")(shared),
        "odd": keras.layers.Dense(1, "sigmoid", name="odd", kernel_regularizer=regularizer)(shared),
        "ink": keras.layers.Dense(1, name="ink")(shared),
    }


def _compile_arguments(regularizer):
    return {
        "optimizer": keras.optimizers.SGD(0.1, momentum=0.9),
        "loss": {"digit": "sparse_categorical_crossentropy", "odd": "binary_crossentropy", "ink": "mse"},
        "loss_weights": {"digit": 1.0, "odd": 0.3, "ink": 2.0},
        "metrics": {
            "digit": ["accuracy"],
            "odd": ["accuracy"] if regularizer else ["accuracy", keras.metrics.AUC(name="auc")],  # which traces long
            "ink": ["mae"],
        },
    }


@pytest.mark.graph
@pytest.mark.parametrize(("weights", "regularizer", "batch_size"), first_fast([(True, "l2", 5), (False, None, 8)]))
def test_weights_and_loss_after_training_equal_those_of_keras(weights, regularizer, batch_size):
    x, y = toy.arrays()
    y = {task: y[task] for task in ("digit", "odd", "ink")}
    rng = np.random.default_rng(1)
    sample_weight = {task: rng.uniform(0.5, 2.0, len(x)).astype("float32") for task in y} if weights else None
    histories, models = [], []
    for make in (keras.Model, mtl.MultiTaskModel):
        keras.utils.set_random_seed(3)
        model = make(*_graph(regularizer))
        model.compile(**_compile_arguments(regularizer))
        history = model.fit(
            x, y, batch_size, epochs=3, sample_weight=sample_weight, validation_data=(x, y), shuffle=False, verbose=0
        )
        histories.append(history.history)
        models.append(model)
    for plain, ours in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-6)
    assert set(histories[0]) == set(histories[1])
    for name in histories[0]:
        if name.endswith("_loss") and name != "val_loss" and len(x) % batch_size:
            continue  # Keras' own are wrong on a partial last batch
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-6, atol=1e-6, err_msg=name)


def test_task_losses_are_exact_on_a_partial_last_batch():
    x, y = toy.arrays()
    model = toy.model()
    logs = model.evaluate(x, y, batch_size=8, return_dict=True, verbose=0)
    p = {task: np.asarray(value, "float64") for task, value in model.predict(x, verbose=0).items()}
    expected = {
        "digit": -np.log(p["digit"][np.arange(len(x)), y["digit"]]).mean(),
        "odd": -np.log(np.where(y["odd"], p["odd"][:, 0], 1 - p["odd"][:, 0])).mean(),
        "marks": -np.log(np.where(y["marks"] > 0, p["marks"], 1 - p["marks"])).mean(),
        "ink": ((y["ink"] - p["ink"][:, 0]) ** 2).mean(),
    }
    for task, value in expected.items():
        assert logs[f"{task}_loss"] == pytest.approx(value, rel=1e-5)
    total = expected["digit"] + 0.5 * expected["odd"] + expected["marks"] + 2 * expected["ink"]
    assert logs["loss"] == pytest.approx(total, rel=1e-5)


def test_class_weight_equals_keras_class_weight():
    x, y = toy.arrays()
    class_weight = {0: 3.0, 2: 0.5}
    results = []
    for ours in (False, True):
        keras.utils.set_random_seed(3)
        tower = mtl.towers.MLP((8,))
        task = mtl.Task("digit", mtl.heads.Multiclass(4), class_weight=class_weight if ours else None)
        model = mtl.build_model(toy.SHAPE, [task], tower=tower)
        if not ours:
            model = keras.Model(model.inputs, model.output["digit"])
        model.compile("adam", metrics=[], **({} if ours else {"loss": "sparse_categorical_crossentropy"}))
        arguments = {} if ours else {"class_weight": {**dict.fromkeys(range(4), 1.0), **class_weight}}
        model.fit(x, y["digit"], epochs=2, batch_size=8, shuffle=False, verbose=0, **arguments)
        results.append(model.get_weights())
    for plain, weighted in zip(*results, strict=True):
        np.testing.assert_allclose(weighted, plain, atol=1e-6)


def test_confident_errors_keep_their_loss_and_gradient():
    """The loss is computed from the logits behind the output: an error by 800 costs 800."""
    image = keras.Input((2,), name="image")
    logits = keras.layers.Dense(2, use_bias=False, kernel_initializer="identity")(image)
    model = mtl.MultiTaskModel(image, {"digit": keras.layers.Activation("softmax", name="digit")(logits)})
    model.compile(keras.optimizers.SGD(1.0), loss={"digit": "sparse_categorical_crossentropy"})
    history = model.fit(np.array([[800.0, 0.0]]), {"digit": np.array([1])}, verbose=0)
    assert history.history["digit_loss"][0] == pytest.approx(800.0)
    np.testing.assert_allclose(model.get_weights()[0], [[1 - 800, 800], [0, 1]], rtol=1e-6)
