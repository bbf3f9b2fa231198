"""CrossStitch."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.sharing import CrossStitch, SingleTask
from tests.helpers import toy
from tests.unit.sharing import _tiny


def test_numbers_by_hand():
    kernels = {"a_dense1_dense": 1.0, "b_dense1_dense": 10.0, "a_dense2_dense": 1.0, "b_dense2_dense": 2.0}
    model = _tiny.model(CrossStitch(), kernels, stages=2)
    features = _tiny.features(model, [1.0, 2.0])
    # stage 1: 0.9 · 1 + 0.1 · 10 = 1.9 and 0.1 · 1 + 0.9 · 10 = 9.1
    # stage 2: 0.9 · 1.9 + 0.1 · 18.2 and 0.1 · 1.9 + 0.9 · 18.2
    np.testing.assert_allclose(features["a"], [3.53, 7.06], rtol=1e-6)
    np.testing.assert_allclose(features["b"], [16.57, 33.14], rtol=1e-6)


def test_each_channel_has_its_own_alpha():
    model = _tiny.model(CrossStitch(), {"a_dense1_dense": 1.0, "b_dense1_dense": 10.0})
    model.get_layer("a_dense1_stitch").alpha.assign([[1.0, 2.0], [0.5, -1.0]])
    np.testing.assert_allclose(_tiny.features(model, [1.0, 2.0])["a"], [6.0, -16.0], rtol=1e-6)


def test_the_others_share_the_rest_equally():
    model = _tiny.model(CrossStitch(own=0.6, per_channel=False), {}, names="abc")
    np.testing.assert_allclose(model.get_layer("b_dense1_stitch").alpha, [[0.2], [0.6], [0.2]], rtol=1e-6)
    shown = mtl.sharing.inspect(model, np.ones((3, 2)))["alpha"]["b_dense1_stitch"]
    assert shown == pytest.approx({"task1": 0.2, "task2": 0.6, "task3": 0.2})


def test_partition():
    partition = _tiny.train_partition(CrossStitch())
    towers = [f"{t}_dense{i}_dense/{v}" for t in "ab" for i in (1, 2) for v in ("bias", "kernel")]
    assert _tiny.paths(partition.shared) == sorted([*towers, "a_dense1_stitch/alpha", "b_dense1_stitch/alpha"])
    for task, own in partition.own.items():
        assert _tiny.paths(own) == [f"{task}_dense2_stitch/alpha", f"{task}_linear/bias", f"{task}_linear/kernel"]


def _trained(sharing="single_task", tasks=None):
    model = mtl.build_model(toy.SHAPE, tasks or toy.tasks(), tower=mtl.towers.MLP((6, 5)), sharing=sharing)
    model.compile("sgd", metrics=[])
    x, y = toy.arrays()
    model.fit(x, {task: y[task] for task in model.task_names}, verbose=0)
    return model


@pytest.mark.parametrize("scheme", [CrossStitch, mtl.sharing.Soft])
def test_with_identity_units_it_is_the_model_that_it_starts_from(scheme):
    alone = _trained()
    arguments = {"own": 1.0} if scheme is CrossStitch else {}
    sharing = scheme(transfer_from=alone, **arguments)
    model = mtl.build_model(toy.SHAPE, toy.tasks(), tower=mtl.towers.MLP((6, 5)), sharing=sharing)
    x, _ = toy.arrays()
    for task, expected in alone(x).items():
        np.testing.assert_array_equal(model(x)[task], expected)


def test_transfer_from_a_model_a_task():
    alone = {task.name: _trained("hard", [task]) for task in toy.tasks()}
    sharing = CrossStitch(own=1.0, transfer_from=alone)
    model = mtl.build_model(toy.SHAPE, toy.tasks(), tower=mtl.towers.MLP((6, 5)), sharing=sharing)
    x, _ = toy.arrays()
    for task, expected in alone.items():
        np.testing.assert_allclose(model(x)[task], expected(x)[task], atol=1e-6)


@pytest.mark.parametrize("scheme", [CrossStitch, mtl.sharing.Soft, mtl.sharing.NDDR])
class TestTransferErrors:
    def test_other_towers(self, scheme):
        alone = mtl.build_model(toy.SHAPE, toy.tasks(), tower=mtl.towers.MLP((6,)), sharing="single_task")
        with pytest.raises(ValueError, match="`transfer_from` must have the same tower and head for the task 'digit'"):
            mtl.build_model(toy.SHAPE, toy.tasks(), mtl.towers.MLP((5,)), scheme(transfer_from=alone))

    def test_other_heads(self, scheme):
        tasks = [mtl.Task("digit", mtl.heads.Multiclass(5)), mtl.Task("odd", mtl.heads.Binary())]
        alone = mtl.build_model(toy.SHAPE, tasks, tower=mtl.towers.MLP((6,)), sharing="single_task")
        with pytest.raises(ValueError, match="`transfer_from` must have the same tower and head for the task 'digit'"):
            mtl.build_model(toy.SHAPE, toy.tasks()[:2], mtl.towers.MLP((6,)), scheme(transfer_from=alone))

    @pytest.mark.parametrize("source", [{}, keras.Sequential(), "alone"])
    def test_no_such_task(self, scheme, source):
        with pytest.raises(ValueError, match="`transfer_from` must be a MultiTaskModel with the task 'digit'"):
            mtl.build_model(toy.SHAPE, toy.tasks(), mtl.towers.MLP((6,)), scheme(transfer_from=source))

    @pytest.mark.parametrize("arguments", [{"split_after": 1}, {"groups": [["digit", "odd"]]}])
    def test_not_with_shared_stages(self, scheme, arguments):
        with pytest.raises(ValueError, match="`transfer_from` needs a whole tower for each task"):
            scheme(transfer_from={}, **arguments)


@pytest.mark.parametrize("scheme", [CrossStitch, mtl.sharing.NDDR, mtl.sharing.Sluice])
@pytest.mark.parametrize("own", [-0.1, 1.5, "1", True, float("nan")])
def test_own_out_of_range(scheme, own):
    with pytest.raises(ValueError, match=r"`own` must be a finite number of at least 0 and at most 1\. Received: own="):
        scheme(own=own)


def test_one_task_has_nobody_to_stitch_with():
    tower, task = mtl.towers.MLP((6, 5)), toy.tasks()[:1]
    stitched, alone = (mtl.build_model(toy.SHAPE, task, tower, s) for s in (CrossStitch(), SingleTask()))
    assert [layer.name for layer in stitched.layers] == [layer.name for layer in alone.layers]
