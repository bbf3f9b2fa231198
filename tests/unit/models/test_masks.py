"""Keras masks, sample weights and missing labels, each alone and together: losses, gradients and metrics by NumPy."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl
from tests.helpers.marks import first_fast

IDS = np.array([[3, 5, 2, 0], [4, 0, 0, 0], [7, 6, 0, 0], [1, 2, 3, 4]])  # 4 rows of 4 places: B = L
LABELS = np.array([[1, 0, 2, 0], [2, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 2]])
WEIGHTS = {
    "none": None,
    "rows": np.array([1.0, 0.0, 2.0, 0.5], "float32"),
    "columns": np.array([[1.0], [0.0], [2.0], [0.5]], "float32"),
    "places": np.array([[1, 0, 2, 0], [1, 0, 0, 0], [0.5, 1, 0, 0], [1, 1, 1, 0]], "float32"),
}


def own_graph(mask_zero, kind="softmax"):
    keras.utils.set_random_seed(1)
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(8, 4, mask_zero=mask_zero)(ids)
    x = keras.layers.SimpleRNN(4, return_sequences=True)(x)
    first = keras.layers.Dense(3, activation="softmax", name="tags")(x)
    second = keras.layers.Dense(2, name="numbers")(x)
    return mtl.MultiTaskModel(ids, {"tags": first, "numbers": second})


def there(mask_zero, weights):
    """Returns the weight of each place and whether it counts."""
    w = np.ones(IDS.shape) if weights is None else np.broadcast_to(weights.reshape(4, -1), IDS.shape)
    w = w * (IDS > 0) if mask_zero else w
    return w, w != 0


@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("weighting", first_fast([None, "pcgrad"]))
def test_a_loss_is_divided_once_by_what_is_there(mask_zero, weights, weighting):
    model, w = own_graph(mask_zero), WEIGHTS[weights]
    losses = {"tags": "sparse_categorical_crossentropy", "numbers": mtl.losses.ElementwiseMeanSquaredError()}
    model.compile(keras.optimizers.SGD(0.1), losses, weighting=weighting)
    y = {"tags": LABELS, "numbers": np.stack([LABELS, -LABELS], axis=-1).astype("float32")}
    weight, counts = there(mask_zero, w)
    p = model.predict(IDS, verbose=0)
    values = {
        "tags": -np.log(np.take_along_axis(p["tags"], LABELS[..., None], axis=-1)[..., 0]),
        "numbers": ((p["numbers"] - y["numbers"]) ** 2).mean(axis=-1),
    }
    sample_weight = None if w is None else dict.fromkeys(y, w)
    before = [v.numpy() for v in model.get_layer("tags").trainable_variables]
    found = model.test_on_batch(IDS, y, sample_weight=sample_weight, return_dict=True)
    for task, value in values.items():
        assert found[f"{task}_loss"] == pytest.approx((weight * value).sum() / counts.sum(), rel=1e-5), task
    model.train_on_batch(IDS, y, sample_weight=sample_weight)
    # The gradient of the bias of a softmax is the mean of p - y, of a cross-entropy divided in the same way.
    gradient = ((p["tags"] - np.eye(3)[LABELS]) * weight[..., None]).sum(axis=(0, 1)) / counts.sum()
    moved = before[1] - model.get_layer("tags").bias.numpy()
    np.testing.assert_allclose(moved, 0.1 * gradient, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("structure", ["softmax", "crf", "hmm"])
@pytest.mark.parametrize("predict", ["tags", "probabilities"])
@pytest.mark.parametrize(
    "lengths", [pytest.param((4,), marks=pytest.mark.slow), (2, 4)]
)  # of the batches, as they are padded
def test_a_head_of_tags_counts_what_is_there(structure, predict, lengths):
    """With padding labelled 0 and no weights; the mean over labels is over labels, not over rows of other lengths."""
    keras.utils.set_random_seed(0)
    words = keras.Input((None,), dtype="int32")
    tower = keras.Sequential(
        [keras.layers.Embedding(8, 4, mask_zero=True), keras.layers.SimpleRNN(4, return_sequences=True)]
    )
    head = mtl.heads.Tagging(3, structure, predict)
    model = mtl.build_model(words, [mtl.Task("any", mtl.heads.Regression()), mtl.Task("tags", head)], tower=tower)
    model.compile("sgd", weighted_metrics={"tags": ["accuracy"]})
    batches = {2: [1, 2], 4: [0, 3]} if len(lengths) > 1 else {4: [0, 1, 2, 3]}
    right, count, fed = 0, 0, []
    for length, rows in batches.items():
        ids, labels = IDS[rows, :length], LABELS[rows, :length]
        fed.append((ids, {"any": np.zeros(len(ids)), "tags": labels}))
        p = model.predict_on_batch(ids)["tags"]
        decided = p if predict == "tags" else p.argmax(axis=-1)
        right, count = right + ((decided == labels) & (ids > 0)).sum(), count + (ids > 0).sum()
    assert count == 10
    found = model.evaluate((batch for batch in fed), steps=len(fed), verbose=0, return_dict=True)
    assert found["tags_accuracy"] == pytest.approx(right / count)


def test_the_loss_of_a_chain_is_the_mean_over_its_tokens():
    keras.utils.set_random_seed(0)
    words = keras.Input((None,), dtype="int32")
    tower = keras.Sequential([keras.layers.Embedding(8, 4, mask_zero=True)])
    tasks = [mtl.Task("any", mtl.heads.Regression()), mtl.Task("tags", mtl.heads.Tagging(3, "crf"))]
    model = mtl.build_model(words, tasks, tower=tower)
    model.compile("sgd")
    y = {"any": np.zeros(4), "tags": LABELS}
    whole = model.evaluate(IDS, y, verbose=0, return_dict=True)["tags_loss"]
    sums = 0.0
    for row in range(4):
        length = (IDS[row] > 0).sum()
        one = {"any": np.zeros(1), "tags": LABELS[row : row + 1, :length]}
        sums += length * model.evaluate(IDS[row : row + 1, :length], one, verbose=0, return_dict=True)["tags_loss"]
    assert whole == pytest.approx(sums / (IDS > 0).sum(), rel=1e-5)


@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_metrics_of_places(mask_zero, weights):
    model, w = own_graph(mask_zero), WEIGHTS[weights]

    def confidence(y_true, y_pred):
        return keras.ops.max(y_pred, axis=-1)

    given = ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(1, name="top"), confidence]
    model.compile(
        "sgd",
        {"tags": "sparse_categorical_crossentropy", "numbers": "mse"},
        metrics={"tags": given, "numbers": ["mae", keras.metrics.RootMeanSquaredError(name="rmse")]},
        weighted_metrics={"tags": [keras.metrics.SparseCategoricalAccuracy(name="weighted")]},
    )
    y = {"tags": LABELS, "numbers": np.stack([LABELS, -LABELS], axis=-1).astype("float32")}
    sample_weight = None if w is None else dict.fromkeys(y, w)
    fed = []
    for rows, length in (([0, 3], 4), ([1, 2], 2)):
        cut = {task: values[rows, :length] for task, values in y.items()}
        given = sample_weight and {t: v[rows, :length] if v.ndim > 1 else v[rows] for t, v in sample_weight.items()}
        fed.append((IDS[rows, :length], cut) if given is None else (IDS[rows, :length], cut, given))
    found = model.evaluate((batch for batch in fed), steps=len(fed), verbose=0, return_dict=True)
    weight, counts = there(mask_zero, w)
    counts = counts & np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]], bool)
    weight = weight * counts
    p = model.predict(IDS, verbose=0)
    hit, error = p["tags"].argmax(axis=-1) == LABELS, p["numbers"] - y["numbers"]
    expected = {
        "tags_accuracy": hit[counts].mean(),
        "tags_top": hit[counts].mean(),
        "tags_confidence": p["tags"].max(axis=-1)[counts].mean(),
        "tags_weighted": (hit * weight).sum() / weight.sum(),
        "numbers_mae": abs(error)[counts].mean(),
        "numbers_rmse": np.sqrt((error**2)[counts].mean()),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-5)


def test_a_mask_that_does_not_fit_the_loss_is_an_error():
    ids = keras.Input((4,), dtype="int32")
    x = keras.layers.Embedding(8, 1, mask_zero=True)(ids)
    outputs = {
        "a": keras.layers.Dense(1, name="a")(x),
        "b": keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(x)),
    }
    model = mtl.MultiTaskModel(ids, outputs)
    model.compile("sgd", {"a": lambda y, p: keras.ops.mean((y - p) ** 2, axis=(1, 2)), "b": "mse"})
    with pytest.raises(ValueError, match=r"sample_weight\['a'\].*Keras mask"):
        model.train_on_batch(IDS, {"a": np.zeros((4, 4, 1)), "b": np.zeros(4)})
