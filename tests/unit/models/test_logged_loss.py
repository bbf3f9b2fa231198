"""The `loss` of the logs is the weighted sum of the logged losses, over all labels, whatever the batches are."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl


def data(rows=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3)).astype("float32")
    y = {"a": rng.normal(size=rows).astype("float32"), "b": (x[:, 0] > 0).astype("float32")}
    weights = {"a": (rng.uniform(size=rows) < 0.3).astype("float32"), "b": np.ones(rows, "float32")}
    weights["a"][:15] = 0.0  # so that some batches have no label
    return x, y, weights


def build(weighting=None, regularizer=None, **arguments):
    keras.utils.set_random_seed(0)
    tower = keras.Sequential([keras.layers.Dense(4, kernel_regularizer=regularizer)])
    tasks = [mtl.Task("a", mtl.heads.Regression(), weight=2.0), mtl.Task("b", mtl.heads.Binary())]
    model = mtl.build_model((3,), tasks, tower=tower)
    model.compile(keras.optimizers.SGD(0.1), weighting=weighting, **arguments)
    return model


@pytest.mark.parametrize("weighting", [None, "uncertainty"])
def test_does_not_depend_on_the_batch_size(weighting):
    x, y, weights = data()
    model = build(weighting, regularizer=keras.regularizers.L2(0.1))
    found = [
        model.evaluate(x, y, sample_weight=weights, batch_size=size, verbose=0, return_dict=True)
        for size in (3, 10, 40)
    ]
    for one in found:
        assert one == pytest.approx(found[-1], rel=1e-5)
    p = model.predict(x, verbose=0)
    a = ((p["a"][:, 0] - y["a"]) ** 2)[weights["a"] > 0].mean()
    b = -np.log(np.where(y["b"] > 0, p["b"][:, 0], 1 - p["b"][:, 0])).mean()
    regularization = float(sum(keras.ops.sum(loss) for loss in model.losses))
    assert regularization > 0.01
    assert found[0]["a_loss"] == pytest.approx(a, rel=1e-5)
    assert found[0]["loss"] == pytest.approx(2 * a + b + regularization, rel=1e-5)


@pytest.mark.parametrize("weighting", [None, "pcgrad"])
def test_training_and_validation_log_the_sum_of_what_they_log(weighting):
    x, y, weights = data()
    model = build(weighting)
    history = model.fit(
        x, y, sample_weight=weights, batch_size=10, epochs=2, validation_data=(x, y, weights), verbose=0
    ).history
    for prefix in ("", "val_"):
        total = 2 * np.array(history[f"{prefix}a_loss"]) + history[f"{prefix}b_loss"]
        np.testing.assert_allclose(history[f"{prefix}loss"], total, rtol=1e-5)


def test_a_schedule_gives_the_weights_of_the_epoch():
    x, y, weights = data()
    model = build(mtl.weightings.Schedule({"a": lambda epoch: 3.0 - epoch}))
    history = model.fit(
        x, y, sample_weight=weights, batch_size=10, epochs=2, validation_data=(x, y, weights), verbose=0
    ).history
    for prefix in ("", "val_"):
        total = 2 * np.array([3.0, 2.0]) * history[f"{prefix}a_loss"] + history[f"{prefix}b_loss"]
        np.testing.assert_allclose(history[f"{prefix}loss"], total, rtol=1e-5)


@pytest.mark.parametrize("weighting", [None, "pcgrad"])
def test_a_task_without_validation_labels_has_no_figures_and_adds_nothing(weighting):
    x, y, weights = data()
    nothing = {**weights, "a": np.zeros_like(weights["a"])}
    model = build(weighting, metrics={"a": ["mae", keras.metrics.RootMeanSquaredError(name="rmse")]})
    history = model.fit(x, y, sample_weight=weights, validation_data=(x, y, nothing), verbose=0).history
    assert all(np.isnan(history[f"val_{name}"]).all() for name in ("a_loss", "a_mae", "a_rmse"))
    assert np.isfinite(history["a_loss"]).all()
    np.testing.assert_allclose(history["val_loss"], history["val_b_loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("weighting", "bad"),
    [("pcgrad", np.nan), ("pcgrad", 3e38), ("uncertainty", np.inf), ("graddrop", np.nan), ("famo", np.nan)],
)
def test_a_skipped_step_is_in_no_mean(weighting, bad):
    x, y, _ = data(40)
    found = []
    for rows in (20, 40):
        model = build(weighting, metrics={"a": ["mae"], "b": ["accuracy", keras.metrics.AUC(name="auc")]})
        cut = x[:rows].copy()
        cut[20:, 0] = bad
        labels = {task: values[:rows] for task, values in y.items()}
        found.append(model.fit(cut, labels, batch_size=20, shuffle=False, verbose=0).history)
    assert found[1].pop("skipped_steps") == [1.0]
    assert found[0].pop("skipped_steps") == [0.0]
    assert found[1] == found[0]
