"""LTB, and prune."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.sharing import LTB
from tests.helpers import toy
from tests.helpers.marks import first_fast
from tests.unit.sharing import _tiny

KERNELS = {f"branch{k}_dense{i}_dense": 10.0**i * k for k in (1, 2, 3) for i in (1, 2)}


def _tree(**chosen):
    """A model of three branches with stages that multiply by 10·k and 100·k, and the given choices, from 0 on."""
    model = _tiny.model(LTB(num_branches=3), KERNELS, stages=2)
    for name, branch in chosen.items():
        model.get_layer(f"{name}_from").logits.assign(np.eye(3)[branch])
    return model


def test_numbers_by_hand():
    model = _tree(branch2_dense2=0, branch3_dense2=2, a=1, b=2)
    features = _tiny.features(model, [1.0, -1.0])
    np.testing.assert_allclose(features["a"], [10 * 200, -10 * 200])  # branch 1, then branch 2
    np.testing.assert_allclose(features["b"], [30 * 300, -30 * 300])


def test_training_mixes_the_branches():
    model = _tree()
    x = keras.ops.convert_to_tensor([[1.0, 1.0]])
    first, second = (model(x, training=True)["a"].numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    assert 1000 < first[0, 0] < 9000  # between the products of the smallest and of the largest factors


def test_partition():
    partition = _tiny.train_partition(LTB(num_branches=2))
    shared = [f"branch{k}_dense{i}_dense/{v}" for k in (1, 2) for i in (1, 2) for v in ("bias", "kernel")]
    assert _tiny.paths(partition.shared) == sorted([*shared, *(f"branch{k}_dense2_from/logits" for k in (1, 2))])
    for task, own in partition.own.items():
        assert _tiny.paths(own) == [f"{task}_from/logits", f"{task}_linear/bias", f"{task}_linear/kernel"]


def test_with_one_branch_it_is_hard():
    tower, x = mtl.towers.MLP((6, 5)), toy.arrays()[0]
    ltb, hard = (mtl.build_model(toy.SHAPE, toy.tasks(), tower, s) for s in (LTB(num_branches=1), "hard"))
    ltb.set_weights(hard.get_weights())
    for task, expected in hard(x).items():
        np.testing.assert_array_equal(ltb(x)[task], expected)


@pytest.mark.graph
def test_it_finds_the_branch_that_suits():
    """Two fixed branches, x and 0, for a task that wants x and one that wants 0."""
    tasks = [mtl.Task(name, mtl.heads.Regression()) for name in ("x", "zero")]
    scheme = LTB(num_branches=2, temperature=1.0, anneal_steps=100, seed=0)
    model = mtl.build_model((1,), tasks, mtl.towers.MLP((1,), activation="linear"), scheme)
    kernels = {"branch1_dense1_dense": 0.0, "branch2_dense1_dense": 1.0, "x_linear": 1.0, "zero_linear": 1.0}
    for name, kernel in kernels.items():
        model.get_layer(name).kernel.assign([[kernel]])
        model.get_layer(name).trainable = False
    model.compile(keras.optimizers.Adam(0.1), metrics=[])
    x = np.random.default_rng(0).normal(size=(100, 1))
    model.fit(x, {"x": x, "zero": 0 * x}, batch_size=10, epochs=10, verbose=0)
    assert [model.get_layer(f"{name}_from").chosen() for name in ("x", "zero")] == [1, 0]
    assert float(model.get_layer("x_from").step) == 100


def test_a_saved_model_goes_on_as_if_it_had_not_stopped(tmp_path):
    x, y = toy.arrays()
    straight, model = (
        toy.model(LTB(seed=5), optimizer="sgd", metrics=[], tower=mtl.towers.MLP((6, 5))) for _ in range(2)
    )
    model.set_weights(straight.get_weights())
    straight.fit(x, y, epochs=3, shuffle=False, verbose=0)
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    resumed = keras.models.load_model(tmp_path / "model.keras")
    resumed.fit(x, y, epochs=1, shuffle=False, verbose=0)
    for one, other in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


class TestPrune:
    def test_the_tree_has_the_chosen_branches_alone(self):
        tree = mtl.sharing.prune(_tree(branch2_dense2=0, branch3_dense2=0, a=1, b=2))
        dense = [layer.name for layer in tree.layers if isinstance(layer, keras.layers.Dense)]
        assert sorted(dense) == sorted(
            ["branch1_dense1_dense", "branch2_dense2_dense", "branch3_dense2_dense", "a_linear", "b_linear"]
        )
        assert [name for name in tree.tower_layers["b"] if "_dense_" not in name and name.endswith("dense")] == [
            "branch1_dense1_dense",
            "branch3_dense2_dense",
        ]
        tree.compile("sgd", metrics=[])
        assert _tiny.paths(tree.partition.shared) == ["branch1_dense1_dense/bias", "branch1_dense1_dense/kernel"]

    @pytest.mark.parametrize("tower", first_fast([mtl.towers.MLP((6, 5)), mtl.towers.Conv(filters=(2, 3))]))
    def test_it_predicts_the_same(self, tower, tmp_path):
        x, y = toy.arrays()
        model = toy.model(LTB(num_branches=3), tower=tower)
        for i, layer in enumerate(model.layers):
            if isinstance(layer, mtl.layers.Branching):
                layer.logits.assign(np.random.default_rng(i).normal(size=3))
        model.fit(x, y, verbose=0)
        tree = mtl.sharing.prune(model)
        assert isinstance(tree, mtl.MultiTaskModel)
        assert tree.task_names == model.task_names
        assert tree.count_params() < model.count_params()
        tree.save(tmp_path / "tree.keras")
        for task, expected in model(x).items():
            np.testing.assert_allclose(tree(x)[task], expected, atol=1e-6)
            np.testing.assert_allclose(keras.models.load_model(tmp_path / "tree.keras")(x)[task], expected, atol=1e-6)

    def test_it_trains_on_alone(self):
        x, y = toy.arrays()
        model = toy.model(LTB(num_branches=2))
        before = model.get_weights()
        mtl.sharing.prune(model).fit(x, y, verbose=0)
        for one, other in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_a_model_without_choices(self):
        with pytest.raises(ValueError, match='prune needs a model with choices, built with `sharing="ltb"`'):
            mtl.sharing.prune(toy.model("hard"))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"num_branches": 0}, "`num_branches` must be an integer of at least 1.* Use None for one per task"),
        ({"num_branches": True}, "`num_branches` must be an integer of at least 1"),
        ({"temperature": 0.0}, "`temperature` must be a finite number above 0"),
        ({"min_temperature": 0.0}, "`min_temperature` must be a finite number above 0"),
        ({"anneal_steps": 0.5}, "`anneal_steps` must be an integer of at least 1"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
    ],
)
def test_arguments_out_of_range(arguments, error):
    with pytest.raises(ValueError, match=error):
        LTB(**arguments)
