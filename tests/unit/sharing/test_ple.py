"""PLE."""

import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.engine import Partition

TASKS = [mtl.Task("a", mtl.heads.Regression()), mtl.Task("b", mtl.heads.Regression())]


def _model(tower, **arguments):
    return mtl.build_model((2,), TASKS, tower=tower, sharing=mtl.sharing.PLE(**arguments))


def _set(model, name, kernel, bias):
    model.get_layer(name).set_weights([np.array(kernel, float), np.array(bias, float)])


def test_two_levels_by_hand():
    """One expert of a kind; x = (1, 2).

    Level 1: shared 3, a's 1, b's 5. a weighs 1/4, 3/4: 1.5. b weighs 1/2, 1/2: 4. The shared gate weighs 1/2, 1/4, 1/4
    of shared, a's, b's: 3. Level 2 doubles the shared stream, 6, adds 1 to a's, 2.5, and 2 to b's, 6. Its gates read
    the streams: a's kernel ln(3)/1.5 on 1.5 gives odds 1 : 3, and b's ln(3)/4 on 4 gives 3 : 1.
    """
    model = _model(mtl.towers.MLP((1, 1)), num_levels=2, num_shared_experts=1, num_task_experts=1)
    _set(model, "shared_level1_expert1_dense1_dense", [[1], [1]], [0])
    _set(model, "a_level1_expert1_dense1_dense", [[1], [-1]], [2])
    _set(model, "b_level1_expert1_dense1_dense", [[1], [2]], [0])
    _set(model, "a_level1_gate", [[0, np.log(3)], [0, 0]], [0, 0])
    _set(model, "b_level1_gate", np.zeros((2, 2)), [0, 0])
    _set(model, "shared_level1_gate", [[np.log(2), 0, 0], [0, 0, 0]], [0, 0, 0])
    _set(model, "shared_level2_expert1_dense2_dense", [[2]], [0])
    _set(model, "a_level2_expert1_dense2_dense", [[1]], [1])
    _set(model, "b_level2_expert1_dense2_dense", [[1]], [2])
    _set(model, "a_level2_gate", [[0, np.log(3) / 1.5]], [0, 0])
    _set(model, "b_level2_gate", [[np.log(3) / 4, 0]], [0, 0])
    _set(model, "a_linear", [[10]], [1])
    _set(model, "b_linear", [[100]], [1])
    outputs = model(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(outputs["a"], [[10 * (6 / 4 + 3 * 2.5 / 4) + 1]], rtol=1e-6)
    np.testing.assert_allclose(outputs["b"], [[100 * (3 * 6 / 4 + 6 / 4) + 1]], rtol=1e-6)


def test_partition():
    """Below the last level a task's experts reach the others through the shared stream; its gates never do."""
    partition = Partition(_model(mtl.towers.MLP((1, 1)), num_shared_experts=1))
    assert {v.path.rpartition("/")[0] for v in partition.shared} == {
        "shared_level1_expert1_dense1_dense",
        "a_level1_expert1_dense1_dense",
        "b_level1_expert1_dense1_dense",
        "shared_level1_gate",
        "shared_level2_expert1_dense2_dense",
    }
    for task, own in partition.own.items():
        assert {v.path.rpartition("/")[0] for v in own} == {
            f"{task}_level1_gate",
            f"{task}_level2_expert1_dense2_dense",
            f"{task}_level2_gate",
            f"{task}_linear",
        }


@pytest.mark.parametrize("stacked", [True, False])
def test_one_level_is_cgc(stacked):
    arguments = {"num_shared_experts": 3, "num_task_experts": 2, "stacked": stacked}
    tower = mtl.towers.MLP((5, 4))
    ple = mtl.build_model((6,), TASKS, tower=tower, sharing=mtl.sharing.PLE(num_levels=1, **arguments))
    cgc = mtl.build_model((6,), TASKS, tower=tower, sharing=mtl.sharing.CGC(**arguments))
    for layer in ple.layers:
        if layer.weights:
            layer.set_weights(cgc.get_layer(layer.name).get_weights())
    x = np.random.default_rng(0).normal(size=(3, 6))
    for task, output in ple(x).items():
        np.testing.assert_array_equal(output, cgc(x)[task])


def test_the_stages_are_divided_among_the_levels():
    model = _model(mtl.towers.MLP((9, 8, 7, 6, 5)), num_levels=2, num_shared_experts=1)
    stages = {level: [] for level in ("level1", "level2")}
    for layer in model.layers:
        if layer.name.startswith("a_level") and layer.name.endswith("_dense"):
            stages[layer.name.split("_")[1]].append(layer.units)
    assert stages == {"level1": [9, 8, 7], "level2": [6, 5]}


def test_more_levels_than_stages():
    with pytest.raises(ValueError, match=r"`num_levels` must be at most .* 2: \['dense1', 'dense2'\].* num_levels=3"):
        _model(mtl.towers.MLP((4, 3)), num_levels=3)
