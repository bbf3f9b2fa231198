"""ResNetImageNet."""

import keras
import numpy as np
import pytest

from mtl_keras.towers import ResNetImageNet
from tests.unit.towers._build import build, num_trainable_at, overfits

PUBLISHED = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}  # torchvision


@pytest.mark.parametrize("depth", PUBLISHED)
def test_parameter_count(depth):
    count, width = num_trainable_at(ResNetImageNet(depth=depth), (224, 224, 3))
    assert count + (width + 1) * 1000 == PUBLISHED[depth]


@pytest.mark.parametrize(("depth", "times"), [(18, 1), (50, 4)])
def test_sizes_of_the_paper(depth, times):
    model = build(ResNetImageNet(depth=depth, width=1), (224, 224, 3))
    sizes = [model.get_layer(f"shared_group{i}_block1_add").output.shape[1:] for i in (1, 2, 3, 4)]
    assert sizes == [(side, side, times * filters) for side, filters in [(56, 1), (28, 2), (14, 4), (7, 8)]]


def test_small_stem_keeps_the_size():
    model = build(ResNetImageNet(depth=18, width=1, small_stem=True), (32, 32, 3))
    sizes = [model.get_layer(f"shared_group{i}_block2_add").output.shape[1:3] for i in (1, 2, 3, 4)]
    assert sizes == [(32, 32), (16, 16), (8, 8), (4, 4)]


def test_shortcut_has_weights_only_where_the_shape_changes():
    names = {layer.name for layer in build(ResNetImageNet(depth=18, width=1), (32, 32, 3)).layers}
    shortcuts = {name for name in names if name.endswith("shortcut_conv")}
    assert shortcuts == {f"shared_group{i}_block1_shortcut_conv" for i in (2, 3, 4)}
    names = {layer.name for layer in build(ResNetImageNet(depth=50, width=1), (32, 32, 3)).layers}
    shortcuts = {name for name in names if name.endswith("shortcut_conv")}
    assert shortcuts == {f"shared_group{i}_block1_shortcut_conv" for i in (1, 2, 3, 4)}


def test_a_block_without_a_change_adds_its_input():
    """With gamma 0 at its end, the second block of a group is the ReLU of what it gets."""
    model = build(ResNetImageNet(depth=18, width=2, small_stem=True), (4, 4, 3))
    model.get_layer("shared_group1_block2_2_norm").gamma.assign([0.0, 0.0])
    ends = [model.get_layer(f"shared_group1_block{i}_activation").output for i in (1, 2)]
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    before, after = keras.Model(model.input, ends)(x)
    assert np.abs(before).max() > 0
    np.testing.assert_array_equal(before, after)


def test_weight_decay_has_the_gradient_of_the_paper():
    model = build(ResNetImageNet(depth=18, width=1, weight_decay=0.1), (4, 4, 1))
    kernels = [w for w in model.trainable_weights if w.path.endswith("kernel")]
    expected = sum(0.05 * np.sum(np.square(kernel.numpy())) for kernel in kernels)
    np.testing.assert_allclose(sum(float(loss) for loss in model.losses), expected, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.graph
def test_overfits_a_batch():
    tower = ResNetImageNet(depth=18, width=2, small_stem=True)
    assert overfits(tower, (8, 8, 3), keras.optimizers.SGD(0.05, momentum=0.9))


@pytest.mark.parametrize("depth", [20, "50", None])
def test_bad_depth(depth):
    with pytest.raises(ValueError, match=r"`depth` must be one of 18, 34, 50, 101, 152. Received: depth="):
        ResNetImageNet(depth=depth)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`width` must be an integer of at least 1"):
        ResNetImageNet(width=0)
    with pytest.raises(ValueError, match=r"`small_stem` must be True or False"):
        ResNetImageNet(small_stem=0)
    with pytest.raises(
        ValueError, match=r"`weight_decay` must be a finite number of at least 0. Received: weight_decay=-1"
    ):
        ResNetImageNet(weight_decay=-1)
