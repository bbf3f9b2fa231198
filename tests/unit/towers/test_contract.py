"""What holds for every tower."""

import dataclasses
import functools
import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import _registry
from mtl_keras.towers import (
    BERT,
    DPCNN,
    MLP,
    VGG,
    AlexNet,
    BiGRU,
    BiLSTM,
    CNNAttention,
    Conv,
    Existing,
    GoogLeNet,
    LeNet,
    ResNet,
    ResNetImageNet,
    Tabular,
    TextCNN,
    Transformer,
    as_tower,
)
from tests.helpers.marks import fast_only
from tests.unit.towers._build import build, has_dtype


def own_model():
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4)], name="own")


CASES = {  # name of the class: (makes a recipe, shape of the inputs, names of the stages)
    "MLP": (
        lambda: MLP(units=(5, 4), dropout=0.1, batch_norm=True),
        {"b": (3,), "a": (2, 2)},
        ["dense1", "dense2"],
    ),
    "LeNet": (lambda: LeNet(dropout=0.1), (7, 6), ["conv1", "conv2", "dense1", "dense2"]),
    "Conv": (
        lambda: Conv(filters=(4, 6), convs_per_stage=2, dropout=0.1),
        (8, 8),
        ["conv1", "conv2"],
    ),
    "AlexNet": (
        lambda: AlexNet(width=2, units=(5, 4), small_stem=True, dropout=0.1, l2=1e-4),
        (16, 16, 3),
        ["conv1", "conv2", "conv3", "conv4", "conv5", "dense1", "dense2"],
    ),
    "VGG": (
        lambda: VGG(depth=11, width=2, units=(5,), dropout=0.1, l2=1e-4),
        (8, 8, 3),
        ["conv1", "conv2", "conv3", "conv4", "conv5", "dense1"],
    ),
    "GoogLeNet": (
        lambda: GoogLeNet(width=2, small_stem=True, batch_norm=True, dropout=0.1, l2=1e-4),
        (8, 8, 3),
        ["stem", "inception3", "inception4", "inception5"],
    ),
    "ResNet": (
        lambda: ResNet(depth=8, width=4, weight_decay=1e-4),
        (8, 8, 3),
        ["stem", "group1", "group2", "group3"],
    ),
    "ResNetImageNet": (
        lambda: ResNetImageNet(depth=18, width=2, small_stem=True, weight_decay=1e-4),
        (8, 8, 3),
        ["stem", "group1", "group2", "group3", "group4"],
    ),
    "Tabular": (
        lambda: Tabular(
            numeric=("age", "pay"),
            categories={"job": ("1", "0"), "code": (7, 1)},
            means={"age": 0.5},
            units=(5, 4),
            dropout=0.1,
            batch_norm=True,
        ),
        {"age": (), "job": ((), "string"), "pay": (2,), "code": ((1,), "int64")},
        ["columns", "dense1", "dense2"],
    ),
    "BiLSTM": (
        lambda: BiLSTM(units=(3, 2), embedding_dim=4, num_tokens=6, dropout=0.1, l2=1e-4),
        {"tokens": ((5,), "int32")},
        ["embedding", "lstm1", "lstm2"],
    ),
    "BiGRU": (
        lambda: BiGRU(units=(3,), embedding_dim=4, vocabulary=("0", "1"), length=3),
        {"text": ((), "string")},
        ["embedding", "gru1"],
    ),
    "TextCNN": (
        lambda: TextCNN(filters=2, kernel_sizes=(2, 3), embedding_dim=4, num_tokens=6, l2=1e-4),
        {"tokens": ((None,), "int64")},
        ["embedding", "conv", "pool"],
    ),
    "CNNAttention": (
        lambda: CNNAttention(filters=(3, 2), units=4, embedding_dim=4, vocabulary=("2", "1"), dropout=0.1, l2=1e-4),
        {"text": ((1,), "string")},
        ["embedding", "conv1", "conv2", "attention"],
    ),
    "DPCNN": (
        lambda: DPCNN(filters=3, num_blocks=2, embedding_dim=4, num_tokens=6, l2=1e-4),
        {"tokens": ((5,), "uint8")},
        ["embedding", "region", "block1", "block2", "pool"],
    ),
    "Transformer": (
        lambda: Transformer(embedding_dim=4, num_layers=2, num_heads=2, units=5, num_tokens=6, l2=1e-4),
        {"tokens": ((5,), "int32")},
        ["embedding", "layer1", "layer2"],
    ),
    "BERT": (
        lambda: BERT(embedding_dim=4, num_layers=1, num_heads=2, units=5, max_length=8, pooled=True, num_tokens=6),
        {"tokens": ((5,), "int32")},
        ["embedding", "layer1", "pooler"],
    ),
    "Existing": (lambda: Existing(own_model()), (3, 2), ["model"]),
}
LARGE = {"GoogLeNet", "ResNetImageNet"}  # of so many layers that to make them takes seconds
# Towers that leave layers of the package in the graph, which mind the padding.
LAYERS_OF_OURS = {"BERT", "BiGRU", "BiLSTM", "CNNAttention", "DPCNN", "TextCNN", "Transformer"}
IDS = {"tokens": ((None,), "int32")}
SIZES = [
    (MLP(units=[5]), (6,)),
    (MLP(units=(5,)), ()),
    (Tabular(units=()), {"age": (2, 3), "pay": ()}),
    (Tabular(), (4,)),
    (LeNet(), (28, 28)),
    (LeNet(pooling="average"), (4, 4, 1)),
    (LeNet(filters=(2, 2, 2), units=(3,)), {"image": (9, 5, 3)}),
    (Conv(filters=(4, 6, 8), batch_norm=False), (1, 2, 3)),
    (Conv(filters=(4,)), (None, None, 3)),
    (Conv(filters=(4, 6), keep_map=True), (8, 7, 3)),
    (ResNet(depth=8, width=4, keep_map=True), (5, 7)),
    (ResNetImageNet(depth=18, width=2, keep_map=True), (33, 20, 3)),
    (ResNet(depth=8, width=4), (5, 7)),
    (AlexNet(width=2, units=(3,)), (32, 32, 3)),
    (AlexNet(width=2, units=(3,), batch_norm=True), (65, 49)),
    (AlexNet(width=2, units=(3,), small_stem=True), (32, 32, 3)),
    (AlexNet(width=2, units=(3,), small_stem=True), (1, 2)),
    (VGG(depth=13, width=2, units=(3,), batch_norm=True), (32, 32, 3)),
    (VGG(depth=11, width=1, units=[3]), (65, 33)),
    (VGG(depth=11, width=1, units=[3]), (1, 2)),
    (GoogLeNet(width=1, small_stem=True), (32, 32, 3)),
    (GoogLeNet(width=3), (32, 32)),
    (GoogLeNet(width=1), (None, None, 3)),
    (ResNetImageNet(depth=18, width=2), (32, 32, 3)),
    (ResNetImageNet(depth=50, width=1, small_stem=True), (32, 32)),
    (ResNetImageNet(depth=18, width=2), (None, None, 3)),
    (ResNetImageNet(depth=18, width=2), (1, 3)),
    (BiLSTM(units=[2], embedding_dim=3), IDS),
    (BiGRU(units=(2,), embedding_dim=3), {"tokens": ((1,), "int32")}),
    (TextCNN(filters=2, embedding_dim=3), {"tokens": ((1,), "int32")}),
    (TextCNN(filters=2, kernel_sizes=(6,), embedding_dim=3), {"tokens": ((40,), "int32")}),
    (CNNAttention(filters=(2,), embedding_dim=3), {"tokens": ((1,), "int32")}),
    (CNNAttention(filters=(2,), embedding_dim=3, kernel_size=4), IDS),
    (DPCNN(filters=2, num_blocks=4, embedding_dim=3), IDS),
    (DPCNN(filters=2, num_blocks=3, embedding_dim=3), {"tokens": ((1,), "int32")}),
    (DPCNN(filters=2, num_blocks=3, embedding_dim=3), {"tokens": ((33,), "int32")}),
    (Transformer(embedding_dim=2, num_layers=1, num_heads=1, units=3), IDS),
    (Transformer(embedding_dim=3, num_heads=1, positions="learned", max_length=6), {"tokens": ((6,), "int32")}),
    (BERT(embedding_dim=2, num_layers=1, num_heads=1, units=3, num_tokens=9), IDS),
]


@pytest.fixture(params=fast_only(CASES, set(CASES) - LARGE))
def name(request):
    return request.param


def batch(shape):
    if isinstance(shape, dict):
        return {name: tf.constant(batch(part)) for name, part in shape.items()}
    if has_dtype(shape):
        sides = [side or 6 for side in shape[0]]
        values = (np.arange(3 * math.prod(sides)) % 5).reshape(3, *sides)
        return values.astype({"string": str}.get(shape[1], shape[1]))
    return np.random.default_rng(0).normal(size=(3, *(side or 6 for side in shape))).astype("float32")


@functools.cache
def two_copies(name):
    """Two copies of the tower of a case, made once from seed 0, which tests only read."""
    make, shape, _ = CASES[name]
    keras.utils.set_random_seed(0)
    return build(make(), shape, copies=("one", "two"))


def layers_of(model):
    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]


def test_every_tower_has_a_case():
    found = {name.replace("_", "") for name in _registry.names("towers")}
    assert {name.lower() for name in CASES} == {*found, "existing"}


def test_is_a_frozen_dataclass_with_named_stages(name):
    make, _, stages = CASES[name]
    tower = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        tower.anything = 1
    assert list(tower.stages()) == stages


def test_layer_names_are_unique_and_say_where_they_belong(name):
    _, _, stages = CASES[name]
    names = [layer.name for layer in layers_of(two_copies(name))]
    assert len(set(names)) == len(names)
    if name == "Existing":
        assert names == ["own", "two_model"]
        return
    for copy in ("one", "two"):
        assert {name.split("_")[1] for name in names if name.startswith(copy)} == set(stages)
    assert all(name.startswith(("one_", "two_")) for name in names)


def test_copies_are_independent(name):
    layers = layers_of(two_copies(name))
    two = [layer for layer in layers if layer.name.startswith("two")]
    one = [layer for layer in layers if layer not in two]
    assert len(one) == len(two)
    kernels = 0
    for a, b in zip(sorted(one, key=_place), sorted(two, key=_place), strict=True):
        for u, v in zip(a.weights, b.weights, strict=True):
            assert u is not v
            assert u.shape == v.shape
            if u.path.endswith(("kernel", "embeddings")):
                assert np.abs(u.numpy() - v.numpy()).max() > 1e-3
                kernels += 1
    assert kernels


def _place(layer):
    return layer.name.split("_")[1:]


def test_same_seed_gives_the_same_weights(name):
    again = two_copies.__wrapped__(name)
    for a, b in zip(two_copies(name).get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_model_is_plain_keras_and_loads(name, tmp_path):
    _, shape, _ = CASES[name]
    model = two_copies(name)
    assert ("mtl_keras" in json.dumps(model.get_config())) == (name in LAYERS_OF_OURS)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for copy, output in model(batch(shape)).items():
        assert np.isfinite(output).all()
        np.testing.assert_array_equal(loaded(batch(shape))[copy], output)


@pytest.mark.parametrize("name", [name for name in CASES if name not in {"Existing", *LARGE}])  # its own model decides
def test_integers_are_cast(name, tmp_path):
    make, shape, _ = CASES[name]
    model = build(make(), shape, dtype="int32")
    x = keras.tree.map_structure(_as_signs, batch(shape))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x)["shared"], model(x)["shared"])


def _as_signs(part):
    return tf.cast(tf.sign(part), "int32") if part.dtype == "float32" else part


def test_builds_in_mixed_precision(name):
    make, shape, _ = CASES[name]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(make(), shape)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output["shared"].dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert np.isfinite(model(batch(shape))["shared"].numpy().astype("float32")).all()


@pytest.mark.parametrize(("tower", "shape"), SIZES, ids=lambda x: type(x).__name__)
def test_other_sizes(tower, shape):
    model = build(tower, shape)
    output = model(batch(shape))["shared"]
    expected = [side or 6 for side in model.output["shared"].shape[1:]]
    assert output.shape == (3, *expected)
    assert np.isfinite(output).all()


@pytest.mark.parametrize("name", _registry.names("towers"))
def test_is_found_by_name(name):
    assert type(as_tower(name)).__name__.lower() == name.replace("_", "")
