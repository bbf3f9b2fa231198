"""Boxes in images: training, missing labels, saving, exports."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl

GRID = 4


def data(images=96):
    """Images of 16x16 with a bright square (class 0) or a bright cross (class 1), 4 wide, on a place of 4x4."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 0.1, (images, 16, 16, 1)).astype("float32")
    place, shape = 4 * rng.integers(0, 4, (images, 2)), rng.integers(0, 2, images)
    cross = np.eye(4, dtype=bool) | np.eye(4, dtype=bool)[::-1]
    for image, (y, x_min), label in zip(x, place, shape, strict=True):
        image[y : y + 4, x_min : x_min + 4, 0] += cross if label else 1.0
    boxes = (np.concatenate([place, place + 4], axis=1) / 16)[:, None]
    return x, boxes, shape[:, None]


def build(**arguments):
    tower = keras.Sequential([keras.layers.Conv2D(16, 4, 4, activation="relu"), keras.layers.Conv2D(16, 1)])
    head = mtl.heads.Detection(2, max_boxes=3, **arguments)
    tasks = [mtl.Task("shape", mtl.heads.Binary()), mtl.Task("where", head)]
    return mtl.build_model(keras.Input((16, 16, 1), name="image"), tasks, tower=tower)


@pytest.fixture(scope="module")
def trained():
    x, boxes, shape = data()
    keras.utils.set_random_seed(0)
    model = build(hidden=(16,))
    model.compile(keras.optimizers.Adam(0.02))
    labels = {"shape": shape[:, 0], "where": mtl.data.encode_boxes(boxes, shape, GRID, num_classes=2)}
    dataset = mtl.data.from_arrays(x, labels, batch_size=32, shuffle=True)
    model.fit(dataset, epochs=25, verbose=0)
    return model, x, labels


@pytest.mark.slow
@pytest.mark.graph
def test_learns_where_and_what(trained):
    model, x, labels = trained
    scores = model.evaluate(x, labels, return_dict=True, verbose=0)
    rows = model.predict(x, verbose=0)["where"]
    assert rows.shape == (96, 3, 6)
    exact = mtl.metrics.mean_average_precision(labels["where"], rows)
    assert exact > 0.95
    assert scores["where_map"] == pytest.approx(exact, abs=0.005)
    _, boxes, shape = data()
    found = rows[:, 0]
    right = (found[:, 5] == shape[:, 0]) & (np.abs(found[:, :4] - boxes[:, 0]) < 0.05).all(axis=1)
    assert right.mean() > 0.9


@pytest.mark.slow
@pytest.mark.graph
def test_survives_saving_and_export(trained, tmp_path):
    model, x, _ = trained
    rows = model.predict(x[:8], verbose=0)["where"]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x[:8], verbose=0)["where"], rows)
    folder = mtl.export.saved_model(model, tmp_path / "export", labels={"where": ["square", "cross"]})
    served = mtl.export.load(folder)
    assert served.tasks["where"]["shape"] == [None, 3, 6]
    np.testing.assert_allclose(served.predict({"image": x[:8]})["where"], rows, atol=1e-6)
    answer = served.predict({"image": x[:8]}, signature="where")
    assert set(answer) == {"where", "where_label", "where_score", "where_box", "where_count"}
    np.testing.assert_allclose(answer["where_box"], rows[..., :4], atol=1e-6)
    np.testing.assert_array_equal(answer["where_count"], (rows[..., 4] > 0).sum(axis=1))
    there = rows[..., 4] > 0
    names = np.array(["square", "cross"])[rows[there][:, 5].astype(int)]
    np.testing.assert_array_equal(answer["where_label"][there], names)
    assert mtl.export.check(model, folder, x[:8])["where"]["where"] < 1e-6
    onnxruntime = pytest.importorskip("onnxruntime")
    file = mtl.export.onnx(model, tmp_path / "model.onnx", tasks=["where"])
    (again,) = onnxruntime.InferenceSession(file).run(["where"], {"image": x[:8]})
    np.testing.assert_allclose(again, rows, atol=1e-5)


def test_images_without_labels_change_nothing():
    x, boxes, shape = data(8)
    model = build()
    model.compile("sgd")
    labels = {"shape": np.arange(8) % 2, "where": mtl.data.encode_boxes(boxes, shape, GRID).numpy()}
    half = {task: y[:4] for task, y in labels.items()}
    expected = model.evaluate(mtl.data.from_arrays(x[:4], half, batch_size=4), return_dict=True, verbose=0)
    labels["where"][4:] = np.nan
    missing = mtl.data.from_arrays(x, labels, batch_size=8)
    (_, _, weights), *_ = missing
    assert weights["where"].shape == (8,)
    scores = model.evaluate(missing, return_dict=True, verbose=0)
    for name in ("where_loss", "where_map"):
        assert scores[name] == pytest.approx(expected[name], rel=1e-5)

    before = [v.numpy() for v in model.partition.own["where"]]
    nothing = mtl.data.from_arrays(x[4:], {task: y[4:] for task, y in labels.items()}, batch_size=4)
    model.fit(nothing, verbose=0)
    assert np.isnan(model.evaluate(nothing, return_dict=True, verbose=0)["where_loss"])
    for variable, old in zip(model.partition.own["where"], before, strict=True):
        np.testing.assert_array_equal(variable, old)


def test_a_cell_without_label():
    x, boxes, shape = data(4)
    model = build()
    model.compile("sgd")
    labels = {"shape": shape[:, 0], "where": mtl.data.encode_boxes(boxes, shape, GRID).numpy()}
    labels["where"][0, 0, 0] = np.nan
    dataset = mtl.data.from_arrays(x, labels, batch_size=4)
    (_, y, weights), *_ = dataset
    raw = model(x)["where"]
    values = mtl.losses.DetectionLoss(reduction="none")(y["where"], raw) * weights["where"]
    share = float(np.mean(weights["where"]))
    loss = model.evaluate(dataset, return_dict=True, verbose=0)["where_loss"]
    assert loss == pytest.approx(float(np.sum(values)) / 4 / share, rel=1e-5)
    assert np.isfinite(model.fit(dataset, verbose=0).history["loss"]).all()


@pytest.mark.parametrize(
    ("policy", "arguments"),
    [
        ("mixed_float16", {}),
        ("mixed_bfloat16", {"weighting": "pcgrad"}),
        pytest.param("float32", {"jit_compile": True}, marks=[pytest.mark.graph, pytest.mark.slow]),
    ],
)
def test_trains_under(policy, arguments):
    x, boxes, shape = data(8)
    keras.config.set_dtype_policy(policy)
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output["where"].dtype == "float32"
    model.compile("sgd", **arguments)
    labels = {"shape": shape[:, 0], "where": mtl.data.encode_boxes(boxes, shape, GRID)}
    history = model.fit(x, labels, epochs=2, verbose=0).history
    assert history["where_loss"][1] < history["where_loss"][0]
    assert model.predict(x, verbose=0)["where"].dtype == "float32"


def test_a_grid_that_is_not_square_and_images_of_any_size():
    image = keras.Input((None, None, 1), name="image")
    tower = keras.layers.Conv2D(4, 4, 4)
    model = mtl.build_model(image, [mtl.Task("where", mtl.heads.Detection(2, max_boxes=3))], tower=tower)
    model.compile("sgd")
    labels = {"where": mtl.data.encode_boxes([[[0.0, 0.0, 0.5, 0.5]]], [[1]], (2, 3))}
    assert np.isfinite(model.fit(np.ones((1, 8, 12, 1)), labels, verbose=0).history["loss"]).all()
    assert model.predict(np.ones((1, 8, 12, 1)), verbose=0)["where"].shape == (1, 3, 6)


def test_labels_of_another_grid():
    model = build()
    model.compile("sgd")
    error = r"`y\['where'\]` must have shape \(None, 4, 4, 6\), for an output of shape .* Received shape \(2, 3, 4, 6\)"
    x, boxes, shape = data(2)
    labels = {"shape": shape[:, 0], "where": mtl.data.encode_boxes(boxes, shape, (3, 4))}
    with pytest.raises(ValueError, match=error):
        model.fit(x, labels, verbose=0)
    with pytest.raises(ValueError, match=r"must have shape \(None, 4, 4, 6\).* Received shape \(2, 1, 4\)"):
        model.fit(x, {**labels, "where": boxes}, verbose=0)


@pytest.mark.parametrize("tower", ["mlp", "conv"])
def test_features_that_are_no_map(tower):
    error = r"The features of task 'where' must be a map \[batch, height, width, channels\]. .* keeps its map"
    with pytest.raises(ValueError, match=error):
        mtl.build_model((8, 8, 1), [mtl.Task("where", mtl.heads.Detection(3))], tower=tower)


@pytest.mark.parametrize(
    "arguments", [{"num_classes": 0}, {"max_boxes": 0}, {"score_threshold": 1}, {"iou_threshold": 2}, {"hidden": (0,)}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        mtl.heads.Detection(**{"num_classes": 3, **arguments})


def test_no_class_weights():
    with pytest.raises(ValueError, match="`class_weight` needs a head whose labels are classes"):
        mtl.Task("where", mtl.heads.Detection(3), class_weight={0: 2.0})


def test_config_round_trip():
    head = mtl.heads.Detection(4, 7, 0.1, 0.6, hidden=(3,), activation="tanh")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert copy.get_config() == head.get_config()
    assert (copy.num_labels, copy.max_boxes, copy.score_threshold, copy.iou_threshold) == (4, 7, 0.1, 0.6)


def test_decodes():
    rows = np.array([[[0.1, 0.2, 0.3, 0.4, 0.9, 2], [0, 0, 0, 0, 0, -1]]], "float32")
    decoded = {what: np.asarray(tensor) for what, tensor in mtl.heads.Detection(3, 2).decode(rows).items()}
    np.testing.assert_array_equal(decoded["label"], [[2, 0]])
    np.testing.assert_allclose(decoded["score"], [[0.9, 0]])
    np.testing.assert_allclose(decoded["box"], rows[..., :4])
    np.testing.assert_array_equal(decoded["count"], [1])
