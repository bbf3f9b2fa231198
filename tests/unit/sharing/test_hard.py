"""Hard."""

import keras
import numpy as np

import mtl_keras as mtl
from tests.helpers import toy


def test_all_tasks_get_the_same_features():
    image = keras.Input(toy.SHAPE)
    tasks = toy.tasks()
    features, _ = mtl.sharing.Hard()(image, mtl.towers.MLP((8, 7)), tasks)
    assert list(features) == [task.name for task in tasks]
    assert len({id(tensor) for tensor in features.values()}) == 1


def test_names_of_the_layers():
    model = toy.model("hard", tower=mtl.towers.MLP((8, 7)))
    tower = [
        "shared_dense1_flatten",
        "shared_dense1_dense",
        "shared_dense1_activation",
        "shared_dense2_dense",
        "shared_dense2_activation",
    ]
    assert model.tower_layers == dict.fromkeys(model.task_names, tower)
    assert {layer.name.split("_")[0] for layer in model.layers} == {"inputs", "shared", *model.task_names}


def test_the_tower_learns_from_every_task():
    x, y = toy.arrays()
    for task in y:
        loss_weights = {name: float(name == task) for name in y}
        model = toy.model("hard", optimizer="sgd", loss_weights=loss_weights, metrics=[])
        kernel = model.get_layer("shared_dense1_dense").kernel
        before = kernel.numpy()
        model.train_on_batch(x, y)
        assert np.abs(kernel.numpy() - before).max() > 1e-5
