"""inspect."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl

TASKS = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Regression())]
X = np.random.default_rng(0).normal(size=(7, 6)).astype("float32")


def _model(sharing):
    return mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5, 4)), sharing=sharing)


def _means(model, gate):
    return keras.Model(model.input, model.get_layer(gate).output)(X).numpy().mean(axis=0)


def _values(row):
    return [pytest.approx(value, abs=1e-6) for value in row]


def test_mean_weights_of_the_experts():
    model = _model(mtl.sharing.CGC(num_shared_experts=2, num_task_experts=1))
    shown = mtl.sharing.inspect(model, X)
    assert list(shown) == ["gate"]
    assert {task: list(row) for task, row in shown["gate"].items()} == {
        "a": ["shared1", "shared2", "a1"],
        "b": ["shared1", "shared2", "b1"],
    }
    for task, row in shown["gate"].items():
        assert list(row.values()) == _values(_means(model, f"{task}_gate"))
        assert sum(row.values()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("batch_size", [2, 7, 100])
def test_the_batches_do_not_matter(batch_size):
    """The last batch of 2 has 1 row, which counts as one."""
    model = _model("mmoe")
    expected = mtl.sharing.inspect(model, X)["gate"]["a"]
    dataset = tf.data.Dataset.from_tensor_slices((X, {"a": np.zeros(7), "b": np.zeros(7)})).batch(batch_size)
    for data in (X, dataset, mtl.data.from_arrays(X, {"a": np.zeros(7)}, batch_size=batch_size)):
        shown = mtl.sharing.inspect(model, data, batch_size=batch_size)["gate"]["a"]
        assert list(shown.values()) == _values(expected.values())


def test_levels():
    shown = mtl.sharing.inspect(_model(mtl.sharing.PLE(num_shared_experts=1)), X)
    assert {table: list(rows) for table, rows in shown.items()} == {
        "gate_level1": ["a", "b", "shared"],
        "gate_level2": ["a", "b"],
    }
    assert list(shown["gate_level1"]["shared"]) == ["shared1", "a1", "b1"]


def test_chosen_experts():
    model = _model(mtl.sharing.DSelectK(num_experts=4, k=2, per_example=False))
    model.get_layer("a_gate").z_bias.assign([1.0, -1.0, 1.0, 1.0])
    shown = mtl.sharing.inspect(model, X)
    assert list(shown["chosen"]["a"].values()) == [0.0, 0.0, 1.0, 1.0]
    assert list(shown["chosen"]["b"].values()) == [1.0] * 4
    assert list(shown["gate"]["a"].values()) == _values(_means(model, "a_gate"))


def test_one_gate_is_a_row_for_all():
    assert list(mtl.sharing.inspect(_model("omoe"), X)["gate"]) == ["shared"]


def test_a_loaded_model_shows_the_same(tmp_path):
    model = _model("mmoe")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert mtl.sharing.inspect(loaded, X) == mtl.sharing.inspect(model, X)


def test_a_layer_of_one_s_own_takes_part():
    class Scale(keras.layers.Layer):
        def call(self, x):
            return 2.0 * x

        def inspect(self, output):
            return {"scale": {"all": {"mean": keras.ops.mean(output)}}}

    inputs = keras.Input((6,))
    shown = mtl.sharing.inspect(keras.Model(inputs, Scale()(inputs)), X, batch_size=3)
    assert shown == {"scale": {"all": {"mean": pytest.approx(2 * X.mean(), abs=1e-6)}}}


def test_nothing_to_show():
    with pytest.raises(ValueError, match="`model` must have a layer with something to show"):
        mtl.sharing.inspect(_model("hard"), X)
    with pytest.raises(ValueError, match="`data` must hold at least one row"):
        mtl.sharing.inspect(_model("mmoe"), X[:0])
    with pytest.raises(ValueError, match=r"`batch_size` must be an integer of at least 1\. Received: batch_size=0"):
        mtl.sharing.inspect(_model("mmoe"), X, batch_size=0)
