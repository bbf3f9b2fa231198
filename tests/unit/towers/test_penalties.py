"""The penalties l1 and l2 of towers."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras.towers import (
    DPCNN,
    MLP,
    VGG,
    AlexNet,
    BiGRU,
    BiLSTM,
    CNNAttention,
    Conv,
    GoogLeNet,
    LeNet,
    Tabular,
    TextCNN,
    Transformer,
)
from tests.helpers import toy

CASES = {  # makes the tower: number of its kernels
    "mlp": (lambda **penalty: MLP((5, 4), **penalty), 2),
    "lenet": (lambda **penalty: LeNet(filters=(2, 3), units=(5,), **penalty), 3),
    "conv": (lambda **penalty: Conv((2, 3), convs_per_stage=2, **penalty), 4),
    "alexnet": (lambda **penalty: AlexNet(width=1, units=(5,), small_stem=True, **penalty), 6),
    "vgg": (lambda **penalty: VGG(depth=11, width=1, units=(5,), **penalty), 9),
    "googlenet": (lambda **penalty: GoogLeNet(width=1, small_stem=True, **penalty), 57),
    "tabular": (lambda **penalty: Tabular(units=(5, 4), **penalty), 2),
    "bilstm": (lambda **penalty: BiLSTM((2,), 3, num_tokens=5, **penalty), 4),
    "bigru": (lambda **penalty: BiGRU((2,), 3, num_tokens=5, **penalty), 4),
    "text_cnn": (lambda **penalty: TextCNN(2, embedding_dim=3, num_tokens=5, **penalty), 3),
    "cnn_attention": (lambda **penalty: CNNAttention((2, 3), embedding_dim=3, num_tokens=5, **penalty), 3),
    "dpcnn": (lambda **penalty: DPCNN(2, num_blocks=2, embedding_dim=3, num_tokens=5, **penalty), 5),
    "transformer": (lambda **penalty: Transformer(4, num_layers=1, num_heads=2, num_tokens=5, **penalty), 6),
}


def _inputs(tower):
    return tower.inputs() if hasattr(tower, "num_tokens") else toy.SHAPE


@pytest.mark.parametrize("name", CASES)
def test_is_on_the_kernels_of_the_tower_alone(name):
    make, num_kernels = CASES[name]
    model = mtl.build_model(_inputs(make()), toy.tasks(), tower=make(l1=0.1, l2=0.01))
    kernels = [v.numpy() for v in model.trainable_variables if v.path.startswith("shared") and "kernel" in v.path]
    assert len(model.losses) == len(kernels) == num_kernels
    expected = sum(0.1 * np.abs(kernel).sum() + 0.01 * np.square(kernel).sum() for kernel in kernels)
    np.testing.assert_allclose(sum(model.losses), expected, rtol=1e-5)
    assert not mtl.build_model(_inputs(make()), toy.tasks(), tower=make()).losses


@pytest.mark.parametrize("weighting", [None, "pcgrad", "uncertainty"])
def test_is_trained(weighting):
    """With rate 1 and loss weights 0, a step of SGD takes 2·l2·w from each kernel of the tower, and nothing else."""
    model = mtl.build_model(toy.SHAPE, toy.tasks(), tower=MLP((5,), l2=0.1))
    loss_weights = dict.fromkeys(model.task_names, 0.0)
    model.compile(keras.optimizers.SGD(1.0), loss_weights=loss_weights, weighting=weighting)
    before = {v.path: v.numpy() for v in model.trainable_variables if "log_variances" not in v.path}
    model.fit(*toy.arrays(), batch_size=toy.NUM_ROWS, verbose=0)
    after = {v.path: v.numpy() for v in model.trainable_variables}
    for path, value in before.items():
        factor = 0.8 if path == "shared_dense1_dense/kernel" else 1.0
        np.testing.assert_allclose(after[path], factor * value, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("argument", ["l1", "l2"])
@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan"), "0.1", True])
def test_bad_factors(name, argument, value):
    make, _ = CASES[name]
    with pytest.raises(ValueError, match=rf"`{argument}` must be a finite number of at least 0.*Received: {argument}="):
        make(**{argument: value})
