"""LeNet."""

import pytest

from mtl_keras.towers import LeNet
from tests.unit.towers._build import build, num_trainable


def test_parameter_count():
    # 5·5·1·6 + 6, 5·5·6·16 + 16, 5·5·16·120 + 120, 120·84 + 84
    assert num_trainable(build(LeNet(), (28, 28, 1))) == 156 + 2416 + 48120 + 10164


def test_maps_have_the_sizes_of_the_paper():
    model = build(LeNet(), (28, 28))
    sizes = [model.get_layer(f"shared_{name}").output.shape[1:] for name in ("conv1_pool", "conv2_pool")]
    assert sizes == [(14, 14, 6), (5, 5, 16)]


@pytest.mark.parametrize("shape", [(4, 4), (5, 4, 1), (6, 6, 3), (7, 32), (12, 12), (1, 1)])
def test_any_size(shape):
    assert build(LeNet(), shape).output["shared"].shape == (None, 84)


@pytest.mark.parametrize("argument", ["filters", "units"])
def test_bad_widths(argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be a tuple of integers of at least 1"):
        LeNet(**{argument: (6, -1)})


def test_bad_pooling():
    with pytest.raises(ValueError, match=r"`pooling` must be one of 'max', 'average'. Received: pooling='mean'"):
        LeNet(pooling="mean")


def test_bad_shape():
    with pytest.raises(ValueError, match=r"must have the shape \[H, W\] or .*Received: \[10\]"):
        build(LeNet(), (10,))


def test_several_inputs():
    with pytest.raises(ValueError, match=r"must be one image. Received: 2 inputs, a, b"):
        build(LeNet(), {"a": (8, 8), "b": (8, 8)})


def test_unknown_size():
    with pytest.raises(ValueError, match=r"must have a fixed size"):
        build(LeNet(), (None, 28, 1))
