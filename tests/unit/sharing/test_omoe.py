"""OMoE."""

import numpy as np

import mtl_keras as mtl
from mtl_keras.engine import Partition

TASKS = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Regression())]


def _model(**arguments):
    return mtl.build_model((2,), TASKS, tower=mtl.towers.MLP((1,)), sharing=mtl.sharing.OMoE(**arguments))


def test_by_hand():
    """x = (1, 2): experts 3 and 1, weights 1/4 and 3/4 from logits of a ratio ln 3; heads 10f + 1 and 100f + 1."""
    model = _model(num_experts=2)
    model.get_layer("shared_experts_dense1_dense").set_weights(
        [np.array([[[1], [1]], [[1], [-1]]]), np.array([[0], [2]])]
    )
    model.get_layer("shared_gate").set_weights([np.zeros((2, 2)), np.array([0, np.log(3)])])
    for task, factor in (("a", 10.0), ("b", 100.0)):
        model.get_layer(f"{task}_linear").set_weights([np.array([[factor]]), np.array([1.0])])
    outputs = model(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(outputs["a"], [[16.0]], rtol=1e-6)
    np.testing.assert_allclose(outputs["b"], [[151.0]], rtol=1e-6)


def test_partition():
    """Experts and gate are shared; a task has its head alone."""
    partition = Partition(_model())
    assert sorted(v.path for v in partition.shared) == [
        "shared_experts_dense1_dense/bias",
        "shared_experts_dense1_dense/kernel",
        "shared_gate/bias",
        "shared_gate/kernel",
    ]
    assert {task: len(own) for task, own in partition.own.items()} == {"a": 2, "b": 2}
