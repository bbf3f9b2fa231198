"""DSelectK."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.engine import Partition

TASKS = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Regression())]


def test_by_hand():
    """x = (1, 2): experts 3 and 1. a's selectors are on one each, with weights 1/4, 3/4; b's are both on the second."""
    scheme = mtl.sharing.DSelectK(num_experts=2, k=2)
    model = mtl.build_model((2,), TASKS, tower=mtl.towers.MLP((1,)), sharing=scheme)
    experts = model.get_layer("shared_experts_dense1_dense")
    experts.set_weights([np.array([[[1], [1]], [[1], [-1]]]), np.array([[0], [2]])])
    for task, bias, factor in (("a", [-1.0, 1.0], 10.0), ("b", [1.0, 1.0], 100.0)):
        gate = model.get_layer(f"{task}_gate")
        gate.z_kernel.assign(np.zeros((2, 2)))
        gate.z_bias.assign(bias)
        gate.w_kernel.assign([[0, np.log(3)], [0, 0]])
        gate.w_bias.assign(np.zeros(2))
        model.get_layer(f"{task}_linear").set_weights([np.array([[factor]]), np.array([1.0])])
    outputs = model(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(outputs["a"], [[10 * (3 / 4 + 3 * 1 / 4) + 1]], rtol=1e-6)
    np.testing.assert_allclose(outputs["b"], [[100 * 1 + 1]], rtol=1e-6)


@pytest.mark.parametrize("per_example", [True, False])
def test_partition(per_example):
    scheme = mtl.sharing.DSelectK(num_experts=5, k=3, per_example=per_example)
    partition = Partition(mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5,)), sharing=scheme))
    assert [v.path.partition("/")[0] for v in partition.shared] == ["shared_experts_dense1_dense"] * 2
    kernels = {"z_kernel": (6, 9), "w_kernel": (6, 3)} if per_example else {}
    for task, own in partition.own.items():
        gate = {v.path: v.shape for v in own if "gate" in v.path}
        shapes = {"z_bias": (9,), "w_bias": (3,), **kernels}
        assert gate == {f"{task}_gate/{name}": shape for name, shape in shapes.items()}


def test_the_losses_of_the_gates_are_in_the_loss():
    """At the start each of 2 selectors of 2 tasks is over all of 4 experts, with entropy ln 4."""
    plain, driven = (
        mtl.build_model((6,), TASKS, tower=mtl.towers.MLP((5,)), sharing=mtl.sharing.DSelectK(entropy=entropy))
        for entropy in (0.0, 10.0)
    )
    driven.set_weights(plain.get_weights())
    x, y = np.random.default_rng(0).normal(size=(8, 6)), {"a": np.zeros(8), "b": np.ones(8)}
    losses = []
    for model in (plain, driven):
        for task in "ab":
            model.get_layer(f"{task}_gate").z_kernel.assign(np.zeros((6, 4)))
            model.get_layer(f"{task}_gate").z_bias.assign(np.zeros(4))
        model.compile("sgd")
        losses.append(model.evaluate(x, y, verbose=0, return_dict=True))
    np.testing.assert_allclose(losses[1]["loss"] - losses[0]["loss"], 10 * 4 * np.log(4), rtol=1e-4)
    np.testing.assert_allclose(losses[1]["a_loss"], losses[0]["a_loss"], rtol=1e-6)


def test_k_is_at_most_the_number_of_experts():
    with pytest.raises(
        ValueError,
        match=r"`k` must be an integer from 1 to 4\. Received: k=5\. A task uses",
    ):
        mtl.sharing.DSelectK(num_experts=4, k=5)
    with pytest.raises(ValueError, match=r"`num_experts` must be an integer of at least 2"):
        mtl.sharing.DSelectK(num_experts=1)
