"""What holds for every sharing scheme, with every tower."""

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import _registry, sharing, towers
from mtl_keras.engine import Partition
from mtl_keras.sharing import CGC, PLE, DSelectK, Hard, MMoE, OMoE, Sharing, SingleTask, Soft

CASES = {
    "aitm": sharing.AITM,
    "cascade": sharing.Cascade,
    "cgc": CGC,
    "cross_stitch": sharing.CrossStitch,
    "dselect_k": DSelectK,
    "esmm": sharing.ESMM,
    "hard": Hard,
    "ltb": sharing.LTB,
    "mmoe": MMoE,
    "mtan": sharing.MTAN,
    "nddr": sharing.NDDR,
    "omoe": OMoE,
    "ple": PLE,
    "single_task": SingleTask,
    "sluice": sharing.Sluice,
    "soft": Soft,
}
WHOLE_TOWERS = ["hard", "single_task", "soft"]  # whose tasks use copies of the tower as they are
SMALL = ["MLP", "Existing_model", "Tabular"]  # towers that also try other numbers of tasks


def _own_model():
    image = keras.Input((8, 8))
    x = keras.layers.Dense(3, activation="relu")(keras.layers.Flatten()(image))
    return keras.Model(image, x, name="own_model")


TOWERS = {  # makes the tower: (number of its trainable variables, width of its features)
    "MLP": (lambda: towers.MLP((5, 4)), 4, 4),
    "LeNet": (lambda: towers.LeNet(filters=(2, 3), units=(5,)), 6, 5),
    "Conv": (lambda: towers.Conv(filters=(2, 3)), 6, 3),
    "ResNet": (lambda: towers.ResNet(depth=8, width=2), 21, 8),
    "ResNetImageNet": (lambda: towers.ResNetImageNet(depth=18, width=1, small_stem=True), 60, 8),
    "AlexNet": (lambda: towers.AlexNet(width=1, units=(5,), small_stem=True), 12, 5),
    "VGG": (lambda: towers.VGG(depth=11, width=1, units=(5,)), 18, 5),
    "GoogLeNet": (lambda: towers.GoogLeNet(width=1, small_stem=True), 114, 16),
    "Existing_model": (lambda: towers.Existing(_own_model()), 2, 3),
    "Existing_layer": (lambda: towers.Existing(keras.layers.Dense(3)), 2, 3),
    "Tabular": (lambda: towers.Tabular(("age",), {"job": ("a", "b")}, units=(5,)), 3, 5),
    "BiLSTM": (lambda: towers.BiLSTM(units=(3,), embedding_dim=4, num_tokens=9), 7, 6),
    "BiGRU": (lambda: towers.BiGRU(units=(3,), embedding_dim=4, num_tokens=9), 7, 6),
    "TextCNN": (lambda: towers.TextCNN(filters=2, embedding_dim=4, num_tokens=9), 7, 6),
    "CNNAttention": (lambda: towers.CNNAttention(filters=(2,), units=3, embedding_dim=4, num_tokens=9), 6, 2),
    "DPCNN": (lambda: towers.DPCNN(filters=4, num_blocks=2, embedding_dim=3, num_tokens=9), 11, 4),
    "Transformer": (
        lambda: towers.Transformer(embedding_dim=4, num_layers=1, num_heads=2, units=3, num_tokens=9),
        17,
        4,
    ),
    "BERT": (lambda: towers.BERT(embedding_dim=4, num_layers=1, num_heads=2, units=3, num_tokens=9), 21, 4),
}
HEADS = [("a", mtl.heads.Multiclass(3)), ("b", mtl.heads.Binary(hidden=(2,))), ("c", mtl.heads.Regression())]
HEAD_VARIABLES = {"a": 2, "b": 4, "c": 2}


def _model(scheme, tower, num_tasks):
    tasks = [mtl.Task(name, head) for name, head in HEADS[:num_tasks]]
    tower = TOWERS[tower][0]()
    inputs = tower.inputs() if hasattr(tower, "inputs") else (8, 8)
    return mtl.build_model(inputs, tasks, tower=tower, sharing=scheme)


def _batch(model):
    if isinstance(model.input, dict):
        return {"age": tf.constant([0.3, 0.1]), "job": tf.constant(["b", "x"])}
    if model.input.dtype == "int32":
        return tf.constant([[3, 8, 1], [5, 2, 0]])
    return np.random.default_rng(0).normal(size=(2, 8, 8)).astype("float32")


@pytest.fixture(scope="module")
def models():
    """`{(scheme, tower, number of tasks): model}`, each made once."""
    made = {}

    def get(*key):
        if key not in made:
            keras.utils.set_random_seed(0)
            made[key] = _model(*key)
        return made[key]

    return get


def _tower_variables(model, task):
    return [v for name in model.tower_layers[task] for v in model.get_layer(name).trainable_variables]


def _num_parameters(model):
    return sum(math.prod(v.shape) for v in model.trainable_variables)


def test_every_scheme_has_a_case():
    assert set(CASES) == set(_registry.names("sharing"))
    assert {cls.__name__ for cls in CASES.values()} == set(sharing.__all__) - {"Sharing", "inspect", "prune"}


def test_every_tower_has_a_case():
    tried = {type(make()).__name__ for make, _, _ in TOWERS.values()}
    # Applications is one model as a stage, as Existing is, and takes seconds to build: see its own tests.
    assert tried == set(towers.__all__) - {"Applications", "Stage", "Tower", "as_tower"}


@pytest.mark.parametrize("name", CASES)
def test_a_scheme_is_a_frozen_recipe_found_by_its_name(name):
    scheme = _registry.get("sharing", name)
    assert isinstance(scheme, Sharing)
    assert scheme == CASES[name]()
    with pytest.raises(dataclasses.FrozenInstanceError):
        scheme.anything = 1


def test_the_base_class_is_abstract():
    with pytest.raises(NotImplementedError):
        Sharing().share(None, {}, [])


@pytest.mark.parametrize(("tower", "num_tasks"), [*((t, 2) for t in TOWERS), *((t, n) for t in SMALL for n in (1, 3))])
@pytest.mark.parametrize("scheme", WHOLE_TOWERS)
class TestWholeTowers:
    def test_outputs(self, models, scheme, tower, num_tasks):
        model = models(scheme, tower, num_tasks)
        x = _batch(model)
        assert {task: tuple(p.shape[-1:]) for task, p in model(x).items()} == dict(
            [("a", (3,)), ("b", (1,)), ("c", (1,))][:num_tasks]
        )
        assert all(np.isfinite(p).all() for p in model(x).values())

    def test_partition(self, models, scheme, tower, num_tasks):
        model = models(scheme, tower, num_tasks)
        partition, (_, num_variables, _) = Partition(model), TOWERS[tower]
        is_shared = scheme == "hard" and num_tasks > 1
        assert len(partition.shared) == (num_variables if is_shared else 0)
        for task in model.task_names:
            expected = HEAD_VARIABLES[task] + (0 if is_shared else num_variables)
            assert len(partition.own[task]) == expected
            if is_shared:
                assert {v.path.split("_")[0] for v in partition.own[task]} == {task}
                assert [id(v) for v in partition.shared] == [id(v) for v in _tower_variables(model, task)]

    def test_towers_are_recorded(self, models, scheme, tower, num_tasks):
        model, (_, num_variables, width) = models(scheme, tower, num_tasks), TOWERS[tower]
        assert list(model.tower_layers) == model.task_names
        for task in model.task_names:
            assert len(_tower_variables(model, task)) == num_variables
            features = [layer for layer in model.layers if layer.name in model.tower_layers[task]][-1].output
            assert features.shape[-1] == width

    def test_towers_start_differently(self, models, scheme, tower, num_tasks):
        model = models(scheme, tower, num_tasks)
        of_tasks = [_tower_variables(model, task) for task in model.task_names]
        for i, first in enumerate(of_tasks):
            for other in of_tasks[i + 1 :]:
                for u, v in zip(first, other, strict=True):
                    assert u.shape == v.shape
                    assert (u is v) == (scheme == "hard")
                    if scheme != "hard" and "kernel" in u.path:
                        assert np.abs(u.numpy() - v.numpy()).max() > 1e-3

    def test_number_of_parameters(self, models, scheme, tower, num_tasks):
        model = models(scheme, tower, num_tasks)
        tower_size = sum(math.prod(v.shape) for v in _tower_variables(model, "a"))
        width = TOWERS[tower][2]
        heads = [3 * width + 3, (2 * width + 2) + (2 + 1), width + 1][:num_tasks]
        copies = 1 if scheme == "hard" else num_tasks
        assert _num_parameters(model) == copies * tower_size + sum(heads)


@pytest.mark.parametrize("tower", SMALL)
def test_with_one_task_all_schemes_are_the_same(models, tower):
    sizes = {scheme: _num_parameters(models(scheme, tower, 1)) for scheme in WHOLE_TOWERS}
    assert len(set(sizes.values())) == 1, sizes


@pytest.mark.parametrize("scheme", ["single_task", "soft"])
@pytest.mark.parametrize("tower", SMALL)
def test_same_seed_gives_the_same_weights(scheme, tower):
    keras.utils.set_random_seed(0)
    again = _model(scheme, tower, 2)
    keras.utils.set_random_seed(0)
    for one, other in zip(_model(scheme, tower, 2).get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
