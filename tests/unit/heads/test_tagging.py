"""A tag for every token: training, missing labels, padding, saving, exports."""

import keras
import numpy as np
import pytest

import mtl_keras as mtl

STRUCTURES = pytest.mark.parametrize("structure", ["softmax", "crf", "hmm"])


def data():
    """Sentences of 1 to 6 words, whose tags are the words modulo 3."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 20, (64, 6)).astype("int32")
    x[np.arange(6) >= rng.integers(1, 7, 64)[:, None]] = 0
    return x, np.where(x > 0, x % 3, -1).astype("int32")


def build(structure, **arguments):
    words = keras.Input((None,), dtype="int32", name="words")
    encoder = keras.Sequential([keras.layers.Embedding(20, 8, mask_zero=True), keras.layers.Dense(8)])
    head = mtl.heads.Tagging(3, structure, **arguments)
    tasks = [mtl.Task("first", mtl.heads.Binary()), mtl.Task("tags", head)]
    return mtl.build_model(words, tasks, tower=encoder)


@pytest.mark.slow
@STRUCTURES
def test_trains_and_survives_padding_saving_and_export(structure, tmp_path):
    x, tags = data()
    model = build(structure)
    model.compile(keras.optimizers.Adam(0.05), weighting="pcgrad" if structure != "softmax" else None)
    dataset = mtl.data.from_arrays(x, {"first": x[:, 0] % 2, "tags": tags}, batch_size=32, shuffle=True)
    model.fit(dataset, epochs=6, verbose=0)
    scores = model.evaluate(dataset, return_dict=True, verbose=0)
    predicted = model.predict(x, verbose=0)
    there = tags >= 0
    assert predicted["tags"].shape == x.shape
    assert predicted["tags"].dtype.kind == "i"
    assert (predicted["tags"] == tags)[there].mean() > 0.9
    assert scores["tags_accuracy"] == pytest.approx((predicted["tags"] == tags)[there].mean())

    padded = np.pad(x, ((0, 0), (0, 3)))
    again = model.predict(padded, verbose=0)
    np.testing.assert_array_equal(again["tags"][:, :6][there], predicted["tags"][there])
    np.testing.assert_allclose(again["first"], predicted["first"], atol=1e-6)
    longer = mtl.data.from_arrays(
        padded, {"first": x[:, 0] % 2, "tags": np.pad(tags, ((0, 0), (0, 3)), constant_values=-1)}, batch_size=32
    )
    again = model.evaluate(longer, return_dict=True, verbose=0)
    del again["loss"], scores["loss"]  # the mean over batches, whose rows are others
    assert again == pytest.approx(scores, rel=1e-4)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0)["tags"], predicted["tags"])
    folder = mtl.export.saved_model(model, tmp_path / "export", labels={"tags": ["a", "b", "c"]})
    served = mtl.export.load(folder)
    answer = served.predict({"words": x}, signature="tags")
    np.testing.assert_array_equal(answer["tags"], predicted["tags"])
    np.testing.assert_array_equal(answer["tags_label"], np.array(["a", "b", "c"])[predicted["tags"]])
    assert served.tasks["tags"]["shape"] == [None, None]


@STRUCTURES
def test_probabilities(structure):
    x, _ = data()
    model = build(structure, predict="probabilities")
    p = model.predict(x, verbose=0)["tags"]
    assert p.shape == (64, 6, 3)
    np.testing.assert_allclose(p[x > 0].sum(axis=-1), 1.0, atol=1e-5)
    assert model.tasks[1].head.metrics()[0].name == "accuracy"


def test_without_transitions_all_structures_are_the_same():
    x, tags = data()
    models = []
    for structure in ("softmax", "crf", "hmm"):  # whose transitions are equal at the start
        keras.utils.set_random_seed(0)
        models.append(build(structure, predict="probabilities"))
    p, q, r = (model.predict(x, verbose=0)["tags"] for model in models)
    np.testing.assert_allclose(p[x > 0], q[x > 0], atol=1e-5)
    np.testing.assert_allclose(p[x > 0], r[x > 0], atol=1e-5)
    dataset = mtl.data.from_arrays(x, {"first": x[:, 0] % 2, "tags": tags}, batch_size=64)
    losses = []
    for model in models:
        model.compile("sgd")
        losses.append(model.evaluate(dataset, return_dict=True, verbose=0)["tags_loss"])
    likelihoods = np.take_along_axis(p, np.maximum(tags, 0)[..., None], axis=2)[tags >= 0]
    assert losses == pytest.approx([-np.log(likelihoods).mean()] * 3, rel=1e-4)


def test_decodes():
    p = np.array([[[0.1, 0.9], [0.6, 0.4]]], "float32")
    decoded = mtl.heads.Tagging(2, predict="probabilities").decode(p, top_k=1)
    np.testing.assert_array_equal(decoded["label"], [[1, 0]])
    np.testing.assert_allclose(decoded["score"], [[0.9, 0.6]])
    np.testing.assert_array_equal(decoded["top_label"], [[[1], [0]]])
    assert mtl.heads.Tagging(2).decode(np.array([[1, 0]])).keys() == {"label"}


@pytest.mark.parametrize("arguments", [{"structure": "lstm"}, {"predict": "scores"}, {"num_tags": 1}, {"hidden": (0,)}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        mtl.heads.Tagging(**{"num_tags": 3, **arguments})


def test_features_without_positions():
    with pytest.raises(ValueError, match=r"task 'tags' must be a sequence \[batch, length, channels\]. .*keeps its"):
        mtl.build_model((4, 2), [mtl.Task("tags", mtl.heads.Tagging(3))], tower="mlp")


def test_config_round_trip():
    head = mtl.heads.Tagging(4, "crf", "probabilities", hidden=(3,), activation="tanh")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert copy.get_config() == head.get_config()
    assert (copy.num_tags, copy.structure, copy.predict, copy.hidden) == (4, "crf", "probabilities", (3,))
