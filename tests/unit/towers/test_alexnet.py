"""AlexNet."""

import keras
import pytest

from mtl_keras.towers import AlexNet
from tests.unit.towers._build import build, num_trainable_at, overfits


def test_parameter_count():
    kernels = 11 * 11 * 3 * 64 + 25 * 64 * 192 + 9 * (192 * 384 + 384 * 256 + 256 * 256)
    biases = 64 + 192 + 384 + 256 + 256
    dense = 6 * 6 * 256 * 4096 + 4096 + 4096 * 4096 + 4096
    assert num_trainable_at(AlexNet(), (224, 224, 3)) == (kernels + biases + dense, 4096)
    assert kernels + biases + dense + 4096 * 1000 + 1000 == 61_100_840  # what torchvision gives for its alexnet


def test_maps_have_the_sizes_of_the_paper():
    model = build(AlexNet(width=1, units=(2,)), (224, 224, 3))
    sizes = [model.get_layer(f"shared_conv{i}_pool").output.shape[1:] for i in (1, 2, 5)]
    assert sizes == [(27, 27, 1), (13, 13, 3), (6, 6, 4)]


def test_small_stem_keeps_the_size():
    model = build(AlexNet(width=2, units=(2,), small_stem=True), (32, 32, 3))
    assert model.get_layer("shared_conv1_conv").output.shape[1:] == (32, 32, 2)
    assert model.get_layer("shared_conv5_pool").output.shape[1:] == (3, 3, 8)


def test_batch_norm_takes_the_biases():
    model = build(AlexNet(width=1, units=(2,), small_stem=True, batch_norm=True), (8, 8, 3))
    assert not [w.path for w in model.weights if w.path.endswith("bias")]
    assert len([layer for layer in model.layers if layer.name.endswith("_norm")]) == 6


@pytest.mark.slow
@pytest.mark.graph
@pytest.mark.parametrize("batch_norm", [False, True])
def test_overfits_a_batch(batch_norm):
    tower = AlexNet(width=4, units=(16,), small_stem=True, batch_norm=batch_norm, dropout=0.0)
    assert overfits(tower, (8, 8, 3), keras.optimizers.Adam(0.01))


@pytest.mark.parametrize("argument", ["small_stem", "batch_norm"])
def test_bad_flags(argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be True or False. Received: {argument}='yes'"):
        AlexNet(**{argument: "yes"})


def test_bad_numbers():
    with pytest.raises(ValueError, match=r"`width` must be an integer of at least 1. Received: width=0"):
        AlexNet(width=0)
    with pytest.raises(ValueError, match=r"`units` must be a tuple of integers of at least 1"):
        AlexNet(units=4096)
    with pytest.raises(ValueError, match=r"`dropout` must be a finite number of at least 0 and below 1"):
        AlexNet(dropout=1)


def test_unknown_size():
    with pytest.raises(ValueError, match=r"must have a fixed size"):
        build(AlexNet(width=1, units=(2,)), (None, None, 3))
