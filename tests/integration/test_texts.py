"""The whole road for towers that read texts: build, train, save, load, export, serve raw strings."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.towers import BERT, BiLSTM, CNNAttention

pytestmark = pytest.mark.graph

TEXTS = np.array(["show me the flights", "what is the fare", "the fare of the flights", "flights"])
LABELS = {"intent": np.array([0, 1, -1, 0]), "words": np.array([4, np.nan, 5, 1], "float32")}
TOWERS = {  # the others are saved and loaded in the contract of the towers
    "bert": (BERT, {"embedding_dim": 4, "num_layers": 1, "num_heads": 2, "units": 5}, "hard"),
    "bilstm": (BiLSTM, {"units": (2,), "embedding_dim": 4}, "hard"),
    "cnn_attention": (CNNAttention, {"filters": (3,), "units": 2, "embedding_dim": 4}, "mmoe"),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*You are using a softmax over axis")  # Keras, of attention to a single token
@pytest.mark.parametrize("name", TOWERS)
def test_road(name, tmp_path):
    cls, arguments, sharing = TOWERS[name]
    tower = cls.from_data(TEXTS, min_count=2, **arguments)
    tasks = [mtl.Task("intent", mtl.heads.Multiclass(2)), mtl.Task("words", mtl.heads.Regression())]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower, sharing=sharing)
    model.compile("adam")
    before = [v.numpy() for v in model.trainable_variables]
    history = model.fit(mtl.data.from_arrays(TEXTS, LABELS, batch_size=2), verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    moved = [not np.array_equal(old, new) for old, new in zip(before, model.trainable_variables, strict=True)]
    assert np.mean(moved) > 0.8  # a unit of a ReLU may be dead

    texts = tf.constant([*TEXTS, "", "a b c d e f"])
    expected = {task: value.numpy() for task, value in model(texts).items()}
    assert all(np.isfinite(value).all() for value in expected.values())
    one_by_one = [model(texts[i : i + 1]) for i in range(len(texts))]  # of other lengths
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    served = mtl.export.load(mtl.export.saved_model(model, tmp_path / "export"))
    for task, value in expected.items():
        np.testing.assert_allclose(np.concatenate([row[task] for row in one_by_one]), value, atol=1e-5)
        np.testing.assert_allclose(loaded(texts)[task], value, atol=1e-6)
        np.testing.assert_allclose(served.predict({"text": texts.numpy()})[task], value, atol=1e-5)


@pytest.mark.slow
def test_tags_of_strings():
    """A tag for each word, which its own spelling decides, beside a label of the sentence."""
    keras.utils.set_random_seed(0)
    tags = np.array([[len(word) % 2 for word in text.split()] + [-1] * (5 - len(text.split())) for text in TEXTS])
    tower = BiLSTM.from_data(TEXTS, units=(4,), embedding_dim=8, length=5, standardize="lower")
    tasks = [mtl.Task("intent", mtl.heads.Multiclass(2)), mtl.Task("odd", mtl.heads.Tagging(2, "crf"))]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower)
    model.compile(keras.optimizers.Adam(0.05))
    data = mtl.data.from_arrays(TEXTS, {"intent": LABELS["intent"], "odd": tags}, batch_size=4)
    model.fit(data.repeat(40), steps_per_epoch=40, verbose=0)
    predicted = model.predict(tf.constant(TEXTS), verbose=0)["odd"]
    np.testing.assert_array_equal(predicted[tags >= 0], tags[tags >= 0])
