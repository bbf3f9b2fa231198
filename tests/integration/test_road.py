"""The whole road, for every tower: build, train, save, load, export, serve."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras import _registry

pytestmark = pytest.mark.graph

SHAPE = (8, 8, 1)


def _backbone():
    image = keras.Input(SHAPE)
    x = keras.layers.Conv2D(2, 3, strides=2, activation="relu")(image)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D()(x), name="backbone")


OTHER_SCHEMES = ["single_task", "soft"]  # further ones in `test_sharing_matrix.py`
TOWERS = {
    "mlp": lambda: mtl.towers.MLP((4,)),
    "lenet": lambda: mtl.towers.LeNet(filters=(2, 2), units=(4,)),
    "conv": lambda: mtl.towers.Conv(filters=(2, 3)),
    "resnet": lambda: mtl.towers.ResNet(depth=8, width=2),
    "existing": _backbone,
}


@pytest.fixture(scope="module")
def data():
    """Six images in two batches; three of the twelve labels are missing."""
    x = np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype="uint8")
    y = {"digit": np.array([0, 1, 2, -1, 1, 0]), "ink": np.array([0.5, np.nan, -1.0, 2.0, np.nan, 0.0], "float32")}
    return x, mtl.data.from_arrays(x, y, batch_size=3)


def test_every_tower_is_tried():
    elsewhere = {"tabular"}  # in `test_sharing_matrix.py`: its inputs are no images
    large = {"alexnet", "googlenet", "resnet_imagenet", "vgg"}  # saved and loaded in the contract of the towers
    texts = {"bert", "bigru", "bilstm", "cnn_attention", "dpcnn", "text_cnn", "transformer"}  # in `test_texts.py`
    assert {*TOWERS, *elsewhere, *large, *texts} == {*_registry.names("towers"), "existing"}


@pytest.mark.slow
@pytest.mark.parametrize(("tower", "sharing"), [*((t, "hard") for t in TOWERS), *(("mlp", s) for s in OTHER_SCHEMES)])
def test_road(tower, sharing, data, tmp_path):
    x, train = data
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(3)), mtl.Task("ink", mtl.heads.Regression(), weight=0.5)]
    pixels = keras.Input(SHAPE, dtype="uint8", name="pixels")
    preprocess = keras.layers.Rescaling(1 / 255)
    model = mtl.build_model(pixels, tasks, tower=TOWERS[tower](), sharing=sharing, preprocess=preprocess)
    model.compile("adam")
    before = model.get_weights()
    history = model.fit(train, epochs=1, verbose=0).history
    assert set(history) == {"loss", "digit_loss", "digit_accuracy", "ink_loss", "ink_mae"}
    assert all(np.isfinite(values).all() for values in history.values())
    moved = [not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]
    assert np.mean(moved) > 0.8  # a unit of a ReLU may be dead

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for task, value in loaded(x).items():
        np.testing.assert_array_equal(value, model(x)[task])

    expected = loaded.predict(x, batch_size=len(x), verbose=0)
    folder = mtl.export.saved_model(loaded, tmp_path / "models")
    served = tf.saved_model.load(folder)
    outputs = served.signatures["serving_default"](pixels=tf.constant(x))
    assert set(outputs) == {"digit", "ink"}
    for task, value in outputs.items():
        np.testing.assert_allclose(value.numpy(), expected[task], atol=1e-6)
