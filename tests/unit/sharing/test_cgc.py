"""CGC."""

import numpy as np

import mtl_keras as mtl
from mtl_keras.engine import Partition

TASKS = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Regression())]


def _set(model, name, kernel, bias):
    model.get_layer(name).set_weights([np.array(kernel, float), np.array(bias, float)])


def test_by_hand():
    """x = (1, 2): a shared expert 3, one of a's 1 and one of b's 5; a weighs 1/4, 3/4 and b 1/2, 1/2."""
    scheme = mtl.sharing.CGC(num_shared_experts=1, num_task_experts=1)
    model = mtl.build_model((2,), TASKS, tower=mtl.towers.MLP((1,)), sharing=scheme)
    _set(model, "shared_expert1_dense1_dense", [[1], [1]], [0])
    _set(model, "a_expert1_dense1_dense", [[1], [-1]], [2])
    _set(model, "b_expert1_dense1_dense", [[1], [2]], [0])
    _set(model, "a_gate", [[0, np.log(3)], [0, 0]], [0, 0])
    _set(model, "b_gate", np.zeros((2, 2)), [0, 0])
    _set(model, "a_linear", [[10]], [1])
    _set(model, "b_linear", [[100]], [1])
    outputs = model(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(outputs["a"], [[10 * (3 / 4 + 3 * 1 / 4) + 1]], rtol=1e-6)
    np.testing.assert_allclose(outputs["b"], [[100 * (3 / 2 + 5 / 2) + 1]], rtol=1e-6)


def test_partition():
    """The experts of a task are its own, though all read the same input."""
    scheme = mtl.sharing.CGC(num_shared_experts=2, num_task_experts=3)
    partition = Partition(mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5,)), sharing=scheme))
    assert {v.path: v.shape for v in partition.shared} == {
        "shared_experts_dense1_dense/kernel": (2, 6, 5),
        "shared_experts_dense1_dense/bias": (2, 5),
    }
    for task, own in partition.own.items():
        assert {v.path: v.shape for v in own} == {
            f"{task}_experts_dense1_dense/kernel": (3, 6, 5),
            f"{task}_experts_dense1_dense/bias": (3, 5),
            f"{task}_gate/kernel": (6, 5),
            f"{task}_gate/bias": (5,),
            f"{task}_linear/kernel": (5, 1),
            f"{task}_linear/bias": (1,),
        }
