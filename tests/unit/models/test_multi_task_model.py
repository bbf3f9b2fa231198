"""Saving, loading, cloning, and what `fit` logs."""

import functools
import json
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers import toy
from tests.helpers.marks import first_fast


@pytest.mark.parametrize(
    "sharing", [pytest.param("hard", marks=pytest.mark.graph), pytest.param("soft", marks=pytest.mark.slow)]
)
def test_training_goes_on_bit_exactly_after_a_load(tmp_path, sharing):
    x, y = toy.arrays()
    weights = {task: np.where(np.arange(len(x)) % 3, 1.0, 0.0).astype("float32") for task in y}
    model = toy.model(sharing, optimizer="adam", loss_weights={"ink": 0.25}, metrics={"odd": ["accuracy"]})
    model.fit(x, y, sample_weight=weights, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    histories = [m.fit(x, y, sample_weight=weights, shuffle=False, epochs=2, verbose=0) for m in (model, loaded)]
    assert histories[0].history == histories[1].history
    for one, other in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_load_brings_back_tasks_towers_and_compile_arguments(tmp_path):
    tasks = [
        mtl.Task("a", mtl.heads.Multiclass(3, hidden=(4,)), class_weight={2: 5.0}, weight=0.5),
        mtl.Task("b", mtl.heads.Regression(2), loss=keras.losses.Huber(0.5), metrics=["mse"]),
    ]
    model = mtl.build_model((5,), tasks, sharing="single_task")
    model.compile(keras.optimizers.SGD(0.1), loss_weights={"b": 3.0}, steps_per_execution=2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [task.get_config() for task in loaded.tasks] == [task.get_config() for task in tasks]
    assert loaded.tower_layers == model.tower_layers
    assert {task: o.loss_weight for task, o in loaded.objectives.items()} == {"a": 0.5, "b": 3.0}
    factors = loaded.objectives["a"].class_weight(np.array([0, 2, 1]), np.zeros((3, 3)))
    np.testing.assert_array_equal(factors, [1.0, 5.0, 1.0])
    assert loaded.steps_per_execution == 2
    assert list(loaded.output) == ["a", "b"]


@pytest.mark.slow
def test_a_file_loads_as_a_plain_model_without_this_package(tmp_path):
    x, y = toy.arrays()
    model = toy.model()
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    program = """
        import json, sys
        import keras, numpy as np

        plain = {"mtl_keras>MultiTaskModel": keras.Model}
        model = keras.models.load_model("model.keras", custom_objects=plain, compile=False)
        assert "mtl_keras" not in sys.modules
        assert type(model).__name__ == "Functional"
        predictions = model.predict(np.load("x.npy"), verbose=0)
        print(json.dumps({task: value.tolist() for task, value in predictions.items()}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    predictions = json.loads(done.stdout.splitlines()[-1])
    for task, value in model.predict(x, verbose=0).items():
        np.testing.assert_allclose(predictions[task], value, rtol=1e-6, atol=1e-6)


def test_clone_has_the_tasks_and_new_weights():
    model = toy.model()
    clone = keras.models.clone_model(model)
    assert isinstance(clone, mtl.MultiTaskModel)
    assert [task.name for task in clone.tasks] == model.task_names
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])


def test_compile_again_replaces_losses_and_metrics():
    x, y = toy.arrays()
    model = toy.model(metrics=None)
    model.compile("sgd", metrics=[])
    history = model.fit(x, y, verbose=0)
    assert sorted(history.history) == ["digit_loss", "ink_loss", "loss", "marks_loss", "odd_loss"]


def test_names_in_the_logs_do_not_depend_on_the_number_of_tasks():
    x, y = toy.arrays()
    model = mtl.build_model(toy.SHAPE, [mtl.Task("odd", mtl.heads.Binary())])
    model.compile("sgd")
    history = model.fit(x, y["odd"], validation_data=(x, {"odd": y["odd"]}), verbose=0)
    names = {"loss", "odd_loss", "odd_accuracy", "odd_auc"}
    assert set(history.history) == names | {f"val_{name}" for name in names}
    assert model.predict(x, verbose=0)["odd"].shape == (len(x), 1)


@functools.cache
def _trained_weights(**arguments):
    x, y = toy.arrays()
    weights = {task: np.where(np.arange(len(x)) % 3, 1.0, 0.0).astype("float32") for task in y}
    keras.utils.set_random_seed(3)
    model = toy.model(**arguments)
    model.fit(x, y, batch_size=8, sample_weight=weights, shuffle=False, epochs=2, verbose=0)
    return model.get_weights()


@pytest.mark.graph
@pytest.mark.parametrize(
    "arguments",
    first_fast([{"steps_per_execution": 3}, {"run_eagerly": True}, {"run_eagerly": False}, {"jit_compile": True}], 2),
    ids=lambda arguments: next(iter(arguments)),
)
def test_the_ways_to_run_a_step_agree(arguments):
    for one, other in zip(_trained_weights(), _trained_weights(**arguments), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("policy", [pytest.param("mixed_float16", marks=pytest.mark.graph), "mixed_bfloat16"])
def test_mixed_precision_has_outputs_and_losses_in_float32(policy):
    x, y = toy.arrays()
    keras.config.set_dtype_policy(policy)
    try:
        model = toy.model(optimizer=keras.optimizers.Adam(0.01))
        history = model.fit(x, y, epochs=5, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {value.dtype.name for value in model.predict(x, verbose=0).values()} == {"float32"}
    assert history.history["loss"][-1] < history.history["loss"][0]


@pytest.mark.graph
def test_custom_metrics_and_function_losses_are_taken():
    def absolute(y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)

    x, y = toy.arrays()
    y["ink"] = y["ink"][:, None]
    model = toy.model(loss={"ink": absolute}, metrics={"ink": [absolute, "mse"]}, weighted_metrics={"ink": ["mae"]})
    weights = {task: np.full(len(x), 2.0, "float32") for task in y}
    logs = model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)
    error = np.abs(y["ink"] - model.predict(x, verbose=0)["ink"])
    assert logs["ink_loss"] == pytest.approx(2 * error.mean(), rel=1e-5)
    assert logs["ink_absolute"] == pytest.approx(error.mean(), rel=1e-5)
    assert logs["ink_mae"] == pytest.approx(error.mean(), rel=1e-5)
    assert logs["ink_mse"] == pytest.approx((error**2).mean(), rel=1e-5)


class _PyDataset(keras.utils.PyDataset):
    """Batches of five rows, of which it records the order."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.asked = x, y, []

    def __len__(self):
        return len(self.x) // 5

    def __getitem__(self, i):
        self.asked.append(i)
        rows = slice(5 * i, 5 * i + 5)
        return self.x[rows], {task: label[rows] for task, label in self.y.items()}


@pytest.mark.parametrize("arguments", [(), (0.0, None, False)], ids=["default", "by_place"])
def test_a_dataset_needs_no_word_about_shuffling(arguments):
    """Keras 3.15 warns that it ignores its own default, `shuffle=True`; warnings are errors here."""
    model = toy.model()
    history = model.fit(mtl.data.from_arrays(*toy.arrays(), batch_size=5), None, None, 1, 0, None, *arguments)
    assert len(history.history["loss"]) == 1


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_order_of_a_py_dataset_is_as_in_keras(shuffle):
    data = _PyDataset(*toy.arrays(rows=40))
    model = toy.model()
    model.fit(data, verbose=0, **({} if shuffle else {"shuffle": False}))
    order = data.asked[-8:]
    assert sorted(order) == list(range(8))
    assert (order != sorted(order)) == shuffle


def test_the_objective_of_a_batch_without_labels_is_zero():
    x, y = toy.arrays(rows=4)
    model = toy.model()
    weights = {task: np.zeros(4, "float32") for task in y}
    assert model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)["loss"] == 0.0


@pytest.mark.graph
def test_fit_on_a_dataset_warns_of_nothing():
    x, y = toy.arrays()
    toy.model(metrics=None).fit(mtl.data.from_arrays(x, y, batch_size=10, shuffle=True), verbose=0)
