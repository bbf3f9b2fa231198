"""Every head with its default loss: missing labels, in every precision, count for nothing; and a model of all heads."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from mtl_keras import heads

ROWS, LENGTH = 6, 4
LABELS = np.random.default_rng(0)
CORNERS = np.sort(LABELS.uniform(size=(ROWS, 1, 2, 2)), axis=2).reshape(ROWS, 1, 4)  # a box an image
BOXES = mtl.data.encode_boxes(CORNERS, LABELS.integers(0, 2, (ROWS, 1)), LENGTH).numpy()
CASES = {  # name: (the head, labels)
    "Binary": (heads.Binary(), LABELS.integers(0, 2, ROWS)),
    "Count": (heads.Count(), LABELS.integers(0, 9, ROWS)),
    "Count_exponential": (heads.Count("exponential"), LABELS.integers(0, 9, ROWS)),
    "Detection": (heads.Detection(2, max_boxes=3), BOXES),
    "Gaussian": (heads.Gaussian(), LABELS.normal(size=ROWS)),
    "Multiclass": (heads.Multiclass(3), LABELS.integers(0, 3, ROWS)),
    "Multilabel": (heads.Multilabel(3), LABELS.integers(0, 2, (ROWS, 3))),
    "Ordinal": (heads.Ordinal(4), LABELS.integers(0, 4, ROWS)),
    "Ordinal_probabilities": (heads.Ordinal(4, predict="probabilities"), LABELS.integers(0, 4, ROWS)),
    "Quantiles": (heads.Quantiles(), LABELS.normal(size=ROWS)),
    "Quantiles_crossing": (heads.Quantiles([0.2, 0.8], crossing=True), LABELS.normal(size=ROWS)),
    "Regression": (heads.Regression(2), LABELS.normal(size=(ROWS, 2))),
    "Segmentation": (heads.Segmentation(3), LABELS.integers(0, 3, (ROWS, LENGTH, LENGTH))),
    "Segmentation_classes": (heads.Segmentation(3, predict="classes"), LABELS.integers(0, 3, (ROWS, LENGTH, LENGTH))),
    "Tagging": (heads.Tagging(3), LABELS.integers(0, 3, (ROWS, LENGTH))),
    "Tagging_crf": (heads.Tagging(3, "crf"), LABELS.integers(0, 3, (ROWS, LENGTH))),
    "Tagging_hmm": (heads.Tagging(3, "hmm", predict="probabilities"), LABELS.integers(0, 3, (ROWS, LENGTH))),
}


def build(head, policy="float32"):
    """Returns a model, and inputs, of the rank that the head's labels need."""
    image = (LENGTH, LENGTH, 2)
    shape = {heads.Detection: image, heads.Segmentation: image, heads.Tagging: (LENGTH, 2)}.get(type(head), (2,))
    keras.config.set_dtype_policy(policy)
    try:
        tower = keras.Sequential([keras.layers.Dense(4, activation="tanh")])
        model = mtl.build_model(shape, [mtl.Task("task", head)], tower=tower)
    finally:
        keras.config.set_dtype_policy("float32")
    return model, np.random.default_rng(1).normal(size=(ROWS, *shape)).astype("float32")


def test_every_head_has_a_case():
    assert {type(head).__name__ for head, _ in CASES.values()} == set(heads.__all__) - {"Head"}


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        *((name, "float32") for name in CASES),
        ("Tagging_crf", "mixed_float16"),
        *(
            pytest.param(name, "mixed_float16", marks=pytest.mark.slow)
            for name in ("Binary", "Gaussian", "Detection", "Ordinal")
        ),
        pytest.param("Multiclass", "mixed_bfloat16", marks=pytest.mark.slow),
    ],
)
def test_rows_of_weight_0_are_as_if_not_there(name, policy):
    head, labels = CASES[name]
    model, x = build(head, policy)
    model.compile(keras.optimizers.SGD(0.1))
    there = np.array([1, 0, 1, 1, 0, 1]) > 0
    spoilt = np.where(there.reshape(-1, *(1,) * (labels.ndim - 1)), labels, 0)
    expected = model.evaluate(x[there], {"task": labels[there]}, return_dict=True, verbose=0)
    given = {"task": spoilt}, {"task": there.astype("float32")}
    scores = model.evaluate(x, given[0], sample_weight=given[1], return_dict=True, verbose=0)
    assert set(expected) == {"loss", "task_loss", *(f"task_{metric.name}" for metric in head.metrics())}
    assert scores == pytest.approx(expected, rel=1e-5 if policy == "float32" else 2e-2)
    before = model.get_weights()
    for _ in range(6 if policy == "mixed_float16" else 1):  # which skips steps until its factor is low enough
        model.train_on_batch(x, given[0], sample_weight=given[1])
        moved = any(np.abs(new - old).max() > 0 for new, old in zip(model.get_weights(), before, strict=True))
        if moved:
            break
    assert moved
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.slow
@pytest.mark.graph
def test_numbers_and_ranks_train_save_and_export(tmp_path):
    """In one model: the labels are functions of the first input."""
    x = np.random.default_rng(0).uniform(-1, 1, (256, 2)).astype("float32")
    labels = {
        "stars": np.digitize(x[:, 0], [-0.5, 0.0, 0.5]),
        "grades": np.digitize(x[:, 0], [-0.5, 0.0, 0.5]),
        "visitors": np.round(4 + 3 * x[:, 0]),
        "price": x[:, 0],
        "age": x[:, 0],
    }
    tasks = [
        mtl.Task("stars", heads.Ordinal(4)),
        mtl.Task("grades", heads.Ordinal(4, predict="probabilities")),
        mtl.Task("visitors", heads.Count()),
        mtl.Task("price", heads.Quantiles([0.1, 0.5, 0.9])),
        mtl.Task("age", heads.Gaussian()),
    ]
    model = mtl.build_model(
        keras.Input((2,), name="x"), tasks, tower=keras.Sequential([keras.layers.Dense(16, "relu")])
    )
    model.compile(keras.optimizers.Adam(0.03))
    model.fit(mtl.data.from_arrays(x, labels, batch_size=32, shuffle=True), epochs=15, verbose=0)
    scores = model.evaluate(x, labels, batch_size=256, return_dict=True, verbose=0)
    assert scores["stars_accuracy"] > 0.85
    assert scores["stars_mae"] < 0.15
    assert scores["grades_accuracy"] > 0.85
    assert scores["visitors_mae"] < 0.5
    assert scores["age_mae"] < 0.1
    assert scores["price_coverage"] > 0.5
    predicted = model.predict(x, verbose=0)
    assert (np.diff(predicted["price"]) >= 0).all()
    np.testing.assert_allclose(predicted["grades"].sum(axis=1), 1.0, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    names = {"stars": ["*", "**", "***", "****"], "grades": ["d", "c", "b", "a"]}
    served = mtl.export.load(mtl.export.saved_model(model, tmp_path / "export", labels=names))
    for again in (loaded.predict(x, verbose=0), served.predict({"x": x})):
        for task, values in predicted.items():
            np.testing.assert_allclose(again[task], values, atol=1e-6)
    answers = served.predict({"x": x}, signature="labels")
    np.testing.assert_array_equal(answers["stars_label"], np.array(names["stars"])[predicted["stars"]])
    assert set(answers) == {"stars_label", "grades_label", "grades_score", "visitors", "price", "age"}


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: heads.Ordinal(3, predict="stars"), "`predict` must be one of 'ranks', 'probabilities'"),
        (lambda: heads.Count(link="relu"), "`link` must be one of 'softplus', 'exponential'. Received: link='relu'"),
        (lambda: heads.Quantiles([]), "`quantiles` must be increasing numbers in"),
        (
            lambda: heads.Quantiles([0.5, 0.1]),
            r"`quantiles` must be increasing numbers in .0, 1.. Received: quantiles=\[0.5, 0.1\]",
        ),
        (lambda: heads.Quantiles([0.0, 0.1]), "`quantiles` must be a finite number above 0 and below 1"),
        (lambda: heads.Quantiles(0.5), "`quantiles` must be increasing numbers in"),
        (lambda: heads.Quantiles([0.1, float("nan")]), "`quantiles` must be a finite number above 0 and below 1"),
        (lambda: heads.Quantiles(["0.1"]), "`quantiles` must be a finite number above 0 and below 1"),
        (lambda: heads.Quantiles(crossing=1), "`crossing` must be True or False. Received: crossing=1"),
        (lambda: heads.Quantiles([0.5, 1.0]), "`quantiles` must be a finite number above 0 and below 1"),
    ],
)
def test_bad_arguments(make, error):
    with pytest.raises(ValueError, match=error):
        make()
