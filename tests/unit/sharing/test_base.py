"""What every scheme takes: `split_after` and `groups`."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.engine import Partition

TASKS = [mtl.Task(name, mtl.heads.Binary()) for name in "abc"]
TOWER = mtl.towers.MLP((5, 4, 3))


def _model(sharing):
    return mtl.build_model((2,), TASKS, tower=TOWER, sharing=sharing)


def _prefixes(model):
    """The copies of each dense layer of the tower, by the beginnings of their names."""
    names = [layer.name for layer in model.layers if layer.name.endswith("_dense")]
    return {stage: [n.split(f"_{stage}")[0] for n in names if stage in n] for stage in ("dense1", "dense2", "dense3")}


@pytest.mark.parametrize("scheme", [mtl.sharing.Hard, mtl.sharing.SingleTask, mtl.sharing.Soft])
@pytest.mark.parametrize("split_after", ["dense1", 1])
def test_the_first_stages_serve_all_tasks(scheme, split_after):
    model = _model(scheme(split_after=split_after))
    assert _prefixes(model) == {"dense1": ["shared"], "dense2": ["a", "b", "c"], "dense3": ["a", "b", "c"]}
    partition = Partition(model)
    assert [v.path for v in partition.shared] == ["shared_dense1_dense/kernel", "shared_dense1_dense/bias"]
    assert [len(own) for own in partition.own.values()] == [6, 6, 6]


def test_a_group_has_one_tower():
    model = _model(mtl.sharing.Hard(groups=[["c"], ["a", "b"]]))
    assert sorted(_prefixes(model)["dense1"]) == ["a_b", "c"]
    assert model.tower_layers["a"] == model.tower_layers["b"]
    assert list(model.output) == ["a", "b", "c"]
    partition = Partition(model)
    assert len(partition.shared) == 6
    assert {task: len(own) for task, own in partition.own.items()} == {"a": 2, "b": 2, "c": 8}


def test_groups_above_shared_stages():
    model = _model(mtl.sharing.Hard(split_after=2, groups=[["a", "b"], ["c"]]))
    assert _prefixes(model) == {"dense1": ["shared"], "dense2": ["shared"], "dense3": ["a_b", "c"]}


@pytest.mark.parametrize("sharing", [{"groups": [["a", "b"], ["c"]]}, {"split_after": 1}])
def test_the_penalty_of_soft_sharing_is_between_what_differs(sharing):
    model = _model(mtl.sharing.Soft(**sharing))
    model.compile("sgd")
    callback = mtl.callbacks.SoftSharing(0.1)
    x, y = keras.ops.ones((4, 2)), {name: keras.ops.ones(4) for name in "abc"}
    history = model.fit(x, y, callbacks=[callback], verbose=0).history
    assert history["tower_distance"][0] > 0.1


@pytest.mark.parametrize("split_after", [0, -1, 1.5, True, float("nan")])
def test_split_after_is_a_name_or_a_count(split_after):
    with pytest.raises(ValueError, match=r"`split_after` must be an integer of at least 1.* Received: split_after="):
        mtl.sharing.Hard(split_after=split_after)


def test_a_scheme_keeps_plain_numbers():
    assert type(mtl.sharing.MMoE(split_after=np.int64(2)).split_after) is int


@pytest.mark.parametrize("split_after", ["dense4", "dense3", 3])
def test_split_after_must_leave_stages_on_both_sides(split_after):
    with pytest.raises(
        ValueError, match=r"`split_after` must be a stage .*'dense1', 'dense2'.* Received: split_after="
    ):
        _model(mtl.sharing.Hard(split_after=split_after))


@pytest.mark.parametrize("groups", [[["a", "b"]], [["a", "b"], ["b", "c"]], [["a", "b", "c"], []], [["a", "b", "x"]]])
def test_groups_must_hold_each_task_once(groups):
    with pytest.raises(ValueError, match=r"`groups` must be lists that hold each of the tasks \['a', 'b', 'c'\] once"):
        _model(mtl.sharing.Hard(groups=groups))
