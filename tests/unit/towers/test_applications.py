"""Applications."""

import keras
import numpy as np
import pytest

from mtl_keras.towers import Applications
from tests.unit.towers._build import build

NAMES = [name for name in dir(keras.applications) if name[0].isupper()]
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")


@pytest.mark.parametrize("name", ["MobileNet", "VGG16"])
def test_raw_pixels_are_preprocessed(name):
    """To [-1, 1] for MobileNet; for VGG16 to BGR less the means of ImageNet, in the numbers of Caffe's model."""
    model = build(Applications(name), (32, 32, 3))
    application = model.get_layer("shared_model").layers[-1]
    bgr = PIXELS[..., ::-1] - np.array([103.939, 116.779, 123.68], "float32")
    expected = application({"MobileNet": PIXELS / 127.5 - 1, "VGG16": bgr}[name])
    np.testing.assert_allclose(model(PIXELS)["shared"], expected, rtol=1e-4, atol=1e-4)


def test_every_application_knows_its_preprocessing():
    assert len(NAMES) >= 38
    for name in NAMES:
        function = getattr(keras.applications, name)
        assert callable(getattr(keras.applications, function.__module__.rpartition(".")[-1]).preprocess_input)


@pytest.mark.slow
def test_copies_are_independent_and_load(tmp_path):
    model = build(Applications("MobileNet"), (32, 32, 3), copies=("one", "two"))
    one, two = (model.get_layer(f"{copy}_model") for copy in ("one", "two"))
    assert np.abs(one.get_weights()[0] - two.get_weights()[0]).max() > 1e-2
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for copy, output in model(PIXELS).items():
        assert output.shape == (2, 1024)
        np.testing.assert_array_equal(loaded(PIXELS)[copy], output)


def test_grey_images_are_repeated():
    with keras.StatelessScope(initialize_variables=False):
        model = build(Applications("VGG16"), (32, 40), dtype="uint8")
    assert model.output["shared"].shape == (None, 512)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`model` must be one of 'ConvNeXtBase', .*Received: model='resnet50'"):
        Applications("resnet50")
    with pytest.raises(ValueError, match=r"`weights` must be one of None, 'imagenet'. Received: weights='mnist'"):
        Applications("VGG16", weights="mnist")


def test_bad_images():
    with pytest.raises(ValueError, match=r"must be an image of 1 or 3 channels. Received: \[32, 32, 2\]"):
        build(Applications("VGG16"), (32, 32, 2))
    with pytest.raises(ValueError, match=r"Input size must be at least 75x75"):
        build(Applications("InceptionV3"), (32, 32, 3))
