"""Stage, and the stages of the package's towers that can be stacked."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.towers import MLP, Conv, LeNet, ResNet, Stage, Tower


@pytest.mark.parametrize(
    ("tower", "stacked"),
    [
        (MLP((5, 4), batch_norm=True), [True, True]),
        (LeNet(), [False, False, True, True]),
        (Conv(), [False, False, False]),
        (ResNet(8), [False, False, False, False]),
    ],
)
def test_dense_stages_offer_copies_at_once(tower, stacked):
    stages = tower.stages().values()
    assert [stage.stacked is not None for stage in stages] == stacked
    assert not any(stage.front for stage in stages)


def test_copies_of_a_dense_stage_at_once():
    """Of inputs of any kind, if they are common; and of what the stage before made of them."""
    stage = MLP((4,), dropout=0.5, batch_norm=True).stages()["dense1"]
    x = {name: keras.Input(shape, name=name) for name, shape in {"vector": (3,), "image": (2, 2)}.items()}
    first = stage.stacked(x, "x_dense1", 3, common=True)
    second = stage.stacked(first, "x_dense2", 3, common=False)
    assert first.shape == second.shape == (None, 3, 4)
    shapes = [w.shape for w in keras.Model(x, second).trainable_weights]
    assert shapes == [(3, 7, 4), (12,), (12,), (3, 4, 4), (12,), (12,)]


class Ids(Tower):
    """Ids, embedded and then summed up."""

    def stages(self):
        return {"ids": Stage(self.embed, front=True), **MLP((5, 4)).stages()}

    def embed(self, x, name):
        x = keras.layers.Embedding(10, 3, name=f"{name}_embedding")(x)
        return keras.layers.GlobalAveragePooling1D(name=f"{name}_pool")(x)


TASKS = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Regression())]


def _embeddings(sharing):
    inputs = keras.Input((6,), dtype="int32")
    model = mtl.build_model(inputs, TASKS, tower=Ids(), sharing=sharing)
    assert np.isfinite(model(np.arange(6)[None])["b"]).all()
    return [layer.name for layer in model.layers if isinstance(layer, keras.layers.Embedding)]


@pytest.mark.parametrize("sharing", ["hard", "mmoe", "omoe", mtl.sharing.MMoE(split_after="dense1")])
def test_a_front_serves_all_tasks(sharing):
    assert _embeddings(sharing) == ["shared_ids_embedding"]


@pytest.mark.parametrize("sharing", ["single_task", "soft"])
def test_a_tower_of_its_own_has_its_own_front(sharing):
    assert _embeddings(sharing) == ["a_ids_embedding", "b_ids_embedding"]


def test_groups_of_hard_sharing_have_their_own_front():
    assert sorted(_embeddings(mtl.sharing.Hard(groups=[["b"], ["a"]]))) == ["a_ids_embedding", "b_ids_embedding"]


def test_a_tower_that_is_all_front():
    class Front(Tower):
        def stages(self):
            return {"ids": Ids().stages()["ids"]}

    with pytest.raises(ValueError, match=r"`tower` must have a stage that the tasks can share in part.*'ids'"):
        mtl.build_model(keras.Input((6,), dtype="int32"), TASKS, tower=Front(), sharing="mmoe")
    assert mtl.build_model(keras.Input((6,), dtype="int32"), TASKS, tower=Front(), sharing="hard").built
