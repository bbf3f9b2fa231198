"""MMoE."""

import keras
import numpy as np

import mtl_keras as mtl
from mtl_keras.engine import Partition

TASKS = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Regression())]


def test_by_hand():
    """x = (1, 2): experts relu(x1 + x2) = 3 and relu(x1 - x2 + 2) = 1; gates 1/4, 3/4 and 1/2, 1/2."""
    model = mtl.build_model((2,), TASKS, tower=mtl.towers.MLP((1,)), sharing=mtl.sharing.MMoE(num_experts=2))
    model.get_layer("shared_experts_dense1_dense").set_weights(
        [np.array([[[1], [1]], [[1], [-1]]]), np.array([[0], [2]])]
    )
    model.get_layer("a_gate").set_weights([np.array([[0, np.log(3)], [0, 0]]), np.zeros(2)])
    model.get_layer("b_gate").set_weights([np.zeros((2, 2)), np.zeros(2)])
    for task, factor in (("a", 10.0), ("b", 100.0)):
        model.get_layer(f"{task}_linear").set_weights([np.array([[factor]]), np.array([1.0])])
    outputs = model(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(outputs["a"], [[10 * (3 / 4 + 3 * 1 / 4) + 1]], rtol=1e-6)
    np.testing.assert_allclose(outputs["b"], [[100 * (3 / 2 + 1 / 2) + 1]], rtol=1e-6)


def test_one_expert_is_hard_sharing():
    moe = mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5, 4)), sharing=mtl.sharing.MMoE(num_experts=1))
    hard = mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5, 4)), sharing="hard")
    for layer in hard.layers:
        if layer.weights:
            layer.set_weights(moe.get_layer(layer.name.replace("shared", "shared_expert1")).get_weights())
    x = np.random.default_rng(0).normal(size=(3, 6))
    for task, output in hard(x).items():
        np.testing.assert_allclose(moe(x)[task], output, atol=1e-6)


def test_partition():
    """The experts are shared, the gates are not."""
    partition = Partition(mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5, 4)), sharing="mmoe"))
    assert sorted(v.path for v in partition.shared) == [
        f"shared_experts_dense{i}_dense/{name}" for i in (1, 2) for name in ("bias", "kernel")
    ]
    for task, own in partition.own.items():
        assert {v.path for v in own} >= {f"{task}_gate/kernel", f"{task}_gate/bias"}
        assert {v.path.split("_")[0] for v in own} == {task}
        assert len(own) == 4


def test_groups_share_a_gate():
    tasks = [*TASKS, mtl.Task("c", mtl.heads.Regression())]
    model = mtl.build_model((6,), tasks, sharing=mtl.sharing.MMoE(groups=[["a", "c"], ["b"]]))
    assert [layer.name for layer in model.layers if layer.name.endswith("gate")] == ["a_c_gate", "b_gate"]


def test_hidden_layers_of_the_gates_are_each_task_s_own():
    model = mtl.build_model((6,), TASKS, sharing=mtl.sharing.MMoE(gate_units=(3, 2)))
    shapes = {layer.name: layer.kernel.shape for layer in model.layers if "_gate" in layer.name}
    for task in "ab":
        assert [shapes[f"{task}_gate{end}"] for end in ("_dense1", "_dense2", "")] == [(6, 3), (3, 2), (2, 4)]


def test_what_the_gates_read_of_an_image():
    """At most 4x4 means; 9 rows make 3 cells, and of 5 rows the last cell holds one, without any padding."""
    tower = mtl.towers.Conv(filters=(2,))
    model = mtl.build_model((9, 8, 1), TASKS, tower=tower, sharing="mmoe")
    read = keras.Model(model.input, model.get_layer("a_gate").input)
    image = np.random.default_rng(0).normal(size=(1, 9, 8, 1)).astype("float32")
    expected = image[0, :, :, 0].reshape(3, 3, 4, 2).mean(axis=(1, 3)).reshape(1, 12)
    np.testing.assert_allclose(read(image), expected, atol=1e-6)
    uneven = mtl.build_model((5, 1, 1), TASKS, tower=tower, sharing="mmoe")
    read = keras.Model(uneven.input, uneven.get_layer("a_gate").input)
    column = np.array([1.0, 3.0, 5.0, 7.0, 11.0]).reshape(1, 5, 1, 1)
    np.testing.assert_allclose(read(column), [[2.0, 6.0, 11.0]], atol=1e-6)
