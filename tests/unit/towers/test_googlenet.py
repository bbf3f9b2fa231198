"""GoogLeNet."""

import keras
import pytest

from mtl_keras.towers import GoogLeNet
from tests.unit.towers._build import build, num_trainable_at, overfits

# Table 1 of the paper: channels in; 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; after pooling
TABLE = [
    (192, 64, 96, 128, 16, 32, 32),
    (256, 128, 128, 192, 32, 96, 64),
    (480, 192, 96, 208, 16, 48, 64),
    (512, 160, 112, 224, 24, 64, 64),
    (512, 128, 128, 256, 24, 64, 64),
    (512, 112, 144, 288, 32, 64, 64),
    (528, 256, 160, 320, 32, 128, 128),
    (832, 256, 160, 320, 32, 128, 128),
    (832, 384, 192, 384, 48, 128, 128),
]


def test_parameter_count():
    kernels = 49 * 3 * 64 + 64 * 64 + 9 * 64 * 192
    biases = 64 + 64 + 192
    for into, one, reduce3, three, reduce5, five, pool in TABLE:
        kernels += into * (one + reduce3 + reduce5 + pool) + 9 * reduce3 * three + 25 * reduce5 * five
        biases += one + reduce3 + three + reduce5 + five + pool
    assert num_trainable_at(GoogLeNet(), (224, 224, 3)) == (kernels + biases, 1024)
    assert kernels + biases + 1024 * 1000 + 1000 == 6_998_552  # Caffe's bvlc_googlenet without auxiliary classifiers


def test_sizes_of_the_paper():
    model = build(GoogLeNet(width=2), (224, 224, 3))
    names = ["stem_1", "stem_3", "inception3", "inception4"]
    sizes = [model.get_layer(f"shared_{name}_pool").output.shape[1:3] for name in names]
    assert sizes == [(56, 56), (28, 28), (14, 14), (7, 7)]
    assert model.get_layer("shared_inception5_b_join").output.shape[1:3] == (7, 7)


def test_small_stem_keeps_the_size():
    model = build(GoogLeNet(width=8, small_stem=True), (32, 32, 3))
    sizes = [model.get_layer(f"shared_{name}_join").output.shape[1:] for name in ("inception3_a", "inception5_b")]
    assert sizes == [(32, 32, 32), (8, 8, 128)]


def test_filters_are_in_proportion_and_at_least_one():
    model = build(GoogLeNet(width=3), (32, 32, 3))  # of 64, 192, 16
    names = ["stem_1", "stem_3", "inception3_a_5x5_reduce"]
    assert [model.get_layer(f"shared_{name}_conv").filters for name in names] == [3, 9, 1]


def test_batch_norm_takes_the_biases():
    model = build(GoogLeNet(width=1, batch_norm=True), (32, 32, 3))
    assert not [w.path for w in model.weights if w.path.endswith("bias")]
    assert len([layer for layer in model.layers if layer.name.endswith("_norm")]) == 57


@pytest.mark.slow
@pytest.mark.graph
def test_overfits_a_batch():
    tower = GoogLeNet(width=4, small_stem=True, batch_norm=True, dropout=0.0)
    assert overfits(tower, (8, 8, 3), keras.optimizers.SGD(0.05, momentum=0.9))


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`width` must be an integer of at least 1"):
        GoogLeNet(width=0)
    with pytest.raises(ValueError, match=r"`small_stem` must be True or False"):
        GoogLeNet(small_stem=None)
