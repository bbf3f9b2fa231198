"""A class for every position of a map: sizes, training, missing labels, saving, exports."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl


def build(shape=(4, 6, 2), strides=1, **arguments):
    encoder = keras.Sequential([keras.layers.Conv2D(4, 1, strides=strides)])
    tasks = [mtl.Task("any", mtl.heads.Binary()), mtl.Task("parts", mtl.heads.Segmentation(3, **arguments))]
    return mtl.build_model(keras.Input(shape, name="image"), tasks, tower=encoder)


def data(rows=8):
    """Images whose brighter channel is the class, or 2 where the two are near."""
    x = np.random.default_rng(0).normal(size=(rows, 4, 6, 2)).astype("float32")
    labels = np.where(np.abs(x[..., 0] - x[..., 1]) < 0.1, 2, x.argmax(axis=-1)).astype("int32")
    return x, labels


@pytest.mark.parametrize(
    ("shape", "arguments", "expected"),
    [
        ((4, 6, 2), {}, (4, 6)),
        ((4, 6, 2), {"factor": 2}, (8, 12)),
        ((4, 6, 2), {"size": (9, 5)}, (9, 5)),
        ((None, None, 2), {"factor": 2}, (None, None)),
        ((None, None, 2), {"size": [9, 5]}, (9, 5)),
    ],
)
@pytest.mark.parametrize("predict", ["probabilities", "classes"])
def test_sizes(shape, arguments, expected, predict):
    model = build(shape, predict=predict, hidden=(5,), **arguments)
    assert model.output["parts"].shape == (None, *expected, 3)
    assert model.output["parts"].dtype == "float32"
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 2)).astype("float32")
    served = model.predictions(model(x))["parts"].numpy()
    factor = arguments.get("factor", 1)
    assert served.shape == (
        2,
        *arguments.get("size", (4 * factor, 6 * factor)),
        *([3] if predict == "probabilities" else []),
    )
    if predict == "probabilities":
        np.testing.assert_allclose(served.sum(axis=-1), 1.0, atol=1e-6)
    else:
        assert served.dtype == "int32"


def test_scores_are_enlarged_before_the_softmax():
    model = build(factor=2)
    x, _ = data(1)
    scores = keras.Model(model.input, model.get_layer("parts_linear").output)(x).numpy()
    larger = keras.ops.image.resize(scores, (8, 12), interpolation="bilinear")
    np.testing.assert_allclose(model(x)["parts"], keras.ops.softmax(larger), atol=1e-6)


@pytest.mark.parametrize("missing", ["positions", "rows", "column"])
@pytest.mark.parametrize("class_weight", [None, {0: 2.0, 2: 0.5}])
def test_missing_labels(missing, class_weight):
    """Loss and accuracy are the means over the labels that are there, by NumPy."""
    model, (x, labels) = build(), data()
    rng = np.random.default_rng(1)
    weights = (rng.uniform(size=labels.shape if missing == "positions" else len(x)) < 0.6).astype("float32")
    there = np.broadcast_to(weights.reshape(*weights.shape, *(1,) * (3 - weights.ndim)), labels.shape) > 0
    model.tasks[1] = mtl.Task("parts", model.tasks[1].head, class_weight=class_weight)
    model.compile("sgd")
    y = {"any": labels[:, 0, 0] % 2, "parts": labels[..., None] if missing == "column" else labels}
    w = {"any": np.ones(len(x)), "parts": weights}
    p = model.predict(x, verbose=0)["parts"]
    losses = -np.log(np.take_along_axis(p, labels[..., None], axis=-1)[..., 0])
    scores = model.evaluate(x, y, sample_weight=w, return_dict=True, verbose=0)
    assert scores["parts_loss"] == pytest.approx(losses[there].mean(), rel=1e-5)
    assert scores["parts_accuracy"] == pytest.approx((p.argmax(axis=-1) == labels)[there].mean(), rel=1e-5)
    factors = np.array([(class_weight or {}).get(k, 1.0) for k in range(3)])[labels]
    objective = model.objectives["parts"]
    entries = objective.entries(*map(keras.ops.convert_to_tensor, (y["parts"], p, weights)), training=True)
    value = entries.loss(entries.size())
    assert float(value) == pytest.approx((factors * losses)[there].mean(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.graph
def test_trains_saves_and_exports(tmp_path):
    x, labels = data(64)
    labels[0, :2] = -1
    model = build(predict="classes")
    model.compile(keras.optimizers.Adam(0.1), weighting="pcgrad")
    dataset = mtl.data.from_arrays(x, {"any": labels[:, 3, 0] % 2, "parts": labels}, batch_size=16)
    model.fit(dataset, epochs=8, verbose=0)
    predicted = model.predict(x, verbose=0)["parts"]
    right = (predicted == labels)[labels >= 0].mean()
    assert right > 0.8
    scores = model.evaluate(dataset, return_dict=True, verbose=0)
    assert scores["parts_accuracy"] == pytest.approx(right, rel=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0)["parts"], predicted)
    served = mtl.export.load(mtl.export.saved_model(model, tmp_path / "export", labels={"parts": ["a", "b", "c"]}))
    answer = served.predict({"image": x}, signature="parts")
    np.testing.assert_array_equal(answer["parts"], predicted)
    np.testing.assert_array_equal(answer["parts_label"], np.array(["a", "b", "c"])[predicted])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"num_classes": 1}, "`num_classes` must be an integer of at least 2"),
        (
            {"size": 4},
            r"`size` must be a tuple of integers of at least 1. Received: size=4. Write `size=\(height, width\)`",
        ),
        ({"size": (4, 4, 4)}, r"`size` must be \(height, width\), without a `factor`. Received: size=\(4, 4, 4\)"),
        ({"size": (4, 4), "factor": 2}, r"without a `factor`. Received: size=\(4, 4\), factor=2"),
        ({"size": (4, 0)}, "`size` must be a tuple of integers of at least 1"),
        ({"factor": 0.5}, "`factor` must be an integer of at least 1"),
        ({"predict": "tags"}, "`predict` must be one of 'probabilities', 'classes'. Received: predict='tags'"),
    ],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(ValueError, match=error):
        mtl.heads.Segmentation(**{"num_classes": 3, **arguments})


def test_features_without_positions():
    with pytest.raises(ValueError, match=r"task 'parts' must be a map \[batch, height, width, channels\]"):
        mtl.build_model((4, 4, 1), [mtl.Task("parts", mtl.heads.Segmentation(3))], tower="mlp")


def test_config_round_trip():
    head = mtl.heads.Segmentation(4, size=(3, 2), predict="classes", hidden=(3,), activation="tanh")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert copy.get_config() == head.get_config()
    assert (copy.num_classes, copy.size, copy.predict, copy.hidden) == (4, (3, 2), "classes", (3,))
