"""VGG."""

import keras
import pytest

from mtl_keras.towers import VGG
from tests.unit.towers._build import build, num_trainable_at, overfits

PUBLISHED = {11: 132_863_336, 13: 133_047_848, 16: 138_357_544, 19: 143_667_240}  # torchvision; 133M to 144M in table 2


@pytest.mark.parametrize("depth", PUBLISHED)
def test_parameter_count(depth):
    count, width = num_trainable_at(VGG(depth=depth), (224, 224, 3))
    assert count + (width + 1) * 1000 == PUBLISHED[depth]


@pytest.mark.parametrize("depth", PUBLISHED)
def test_depth_counts_the_layers_with_weights(depth):
    model = build(VGG(depth=depth, width=1, units=(2, 2)), (32, 32, 3))
    assert len([w for w in model.weights if w.path.endswith("kernel")]) + 1 == depth


def test_sizes():
    model = build(VGG(depth=11, width=2, units=(3,)), (64, 32, 3))
    sizes = [model.get_layer(f"shared_conv{i}_pool").output.shape[1:] for i in (1, 2, 3, 4, 5)]
    assert sizes == [(32, 16, 2), (16, 8, 4), (8, 4, 8), (4, 2, 16), (2, 1, 16)]


def test_batch_norm_takes_the_biases():
    model = build(VGG(depth=11, width=1, units=(2,), batch_norm=True), (8, 8, 3))
    assert not [w.path for w in model.weights if w.path.endswith("bias")]
    assert len([layer for layer in model.layers if layer.name.endswith("_norm")]) == 9


@pytest.mark.slow
@pytest.mark.graph
@pytest.mark.parametrize("batch_norm", [False, True])
def test_overfits_a_batch(batch_norm):
    tower = VGG(depth=11, width=4, units=(16,), batch_norm=batch_norm, dropout=0.0)
    assert overfits(tower, (8, 8, 3), keras.optimizers.Adam(0.01))


@pytest.mark.parametrize("depth", [12, "16", None, [16]])
def test_bad_depth(depth):
    with pytest.raises(ValueError, match=r"`depth` must be one of 11, 13, 16, 19. Received: depth="):
        VGG(depth=depth)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`width` must be an integer of at least 1"):
        VGG(width=1.5)
    with pytest.raises(ValueError, match=r"`batch_norm` must be True or False"):
        VGG(batch_norm=1)
