"""What holds for every tower that reads texts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from mtl_keras.towers import BERT, DPCNN, BiGRU, BiLSTM, CNNAttention, TextCNN, Transformer
from tests.unit.towers._build import build, num_trainable

IDS = {"tokens": ((None,), "int32")}
TOWERS = {  # makes a tower: (whether it keeps the positions, the number of its parameters by hand)
    "bilstm": (lambda **a: BiLSTM((3, 2), 4, **a), True, 2 * 4 * (4 + 3 + 1) * 3 + 2 * 4 * (6 + 2 + 1) * 2),
    "bigru": (lambda **a: BiGRU((3,), 4, **a), True, 2 * 3 * (4 + 3 + 2) * 3),  # two biases, as reset_after has
    "text_cnn": (lambda **a: TextCNN(2, (2, 3), 4, **a), False, (2 + 3) * 4 * 2 + 2 * 2),
    "cnn_attention": (lambda **a: CNNAttention((3, 2), 2, 5, 4, **a), False, (24 + 3) + (12 + 2) + (10 + 5 + 5)),
    "dpcnn": (lambda **a: DPCNN(3, 3, 3, 4, **a), False, (36 + 3) + 6 * (27 + 3)),
    "transformer": (lambda **a: Transformer(4, 2, 2, 5, **a), True, 2 * (4 * (16 + 4) + 2 * 20 + 5 + 4 + 4 * 4)),
    "bert": (
        lambda **a: BERT(embedding_dim=4, num_layers=2, num_heads=2, units=5, max_length=20, **a),
        True,
        (20 + 2 + 2) * 4 + 2 * (4 * (16 + 4) + 2 * 20 + 5 + 4 + 4 * 4),
    ),
}
NUM_TOKENS = 9
WORDS = ("fare", "flights", "show", "the", "what")
SENTENCES = np.array([[3, 8, 1, 5, 2], [7, 7, 4, 0, 0], [6, 0, 0, 0, 0]])


@pytest.fixture(scope="module")
def models():
    """`{tower: model on ids of any length}`, each made once."""
    keras.utils.set_random_seed(0)
    return {name: build(make(num_tokens=NUM_TOKENS), IDS) for name, (make, _, _) in TOWERS.items()}


def ids(rows):
    return {"tokens": tf.constant(rows, "int32")}


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize("longer_by", [1, 4])
def test_padding_changes_nothing(models, name, longer_by):
    features = models[name](ids(SENTENCES))["shared"]
    longer = models[name](ids(np.pad(SENTENCES, ((0, 0), (0, longer_by)))))["shared"]
    if TOWERS[name][1]:
        there = SENTENCES > 0
        features, longer = features.numpy()[there], longer.numpy()[:, : SENTENCES.shape[1]][there]
    np.testing.assert_allclose(longer, features, atol=1e-5)


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize("sharing", ["mmoe", "mtan"])
def test_padding_changes_nothing_of_what_is_shared(name, sharing):
    """Several copies of a stage read the same tensor, with its mask."""
    tower = TOWERS[name][0](num_tokens=NUM_TOKENS)
    tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Regression())]
    model = mtl.build_model(tower.inputs(), tasks, tower=tower, sharing=sharing)
    outputs = [model(tf.constant(rows, "int32")) for rows in (SENTENCES, np.pad(SENTENCES, ((0, 0), (0, 3))))]
    for task in ("a", "b"):
        np.testing.assert_allclose(outputs[1][task], outputs[0][task], atol=1e-5)


@pytest.mark.parametrize("name", TOWERS)
def test_tokens_change_something(models, name):
    other = SENTENCES.copy()
    other[1, 2] = 5
    features, others = (models[name](ids(rows))["shared"].numpy() for rows in (SENTENCES, other))
    assert np.abs(features[1] - others[1]).max() > 1e-6
    np.testing.assert_array_equal(features[[0, 2]], others[[0, 2]])


@pytest.mark.parametrize("name", TOWERS)
def test_features_and_their_mask(models, name):
    features = models[name](ids(SENTENCES))["shared"]
    width = models[name].output["shared"].shape[-1]
    assert features.shape == ((3, 5, width) if TOWERS[name][1] else (3, width))
    mask = getattr(features, "_keras_mask", None)
    assert (mask is not None) == TOWERS[name][1]
    if mask is not None:
        np.testing.assert_array_equal(mask, SENTENCES > 0)


@pytest.mark.parametrize("name", TOWERS)
def test_number_of_parameters(models, name):
    assert num_trainable(models[name]) == TOWERS[name][2] + NUM_TOKENS * 4


@pytest.mark.filterwarnings("ignore:.*You are using a softmax over axis")  # Keras, of attention to a single token
@pytest.mark.parametrize("name", TOWERS)
def test_nothing_but_padding_counts_as_an_unknown_token(models, name):
    features = models[name](ids([[0, 0, 0], [1, 0, 0]]))["shared"].numpy()
    assert np.isfinite(features).all()
    of_tokens = features[:, 0] if TOWERS[name][1] else features
    np.testing.assert_allclose(of_tokens[0], of_tokens[1], atol=1e-6)
    assert np.isfinite(models[name](ids(np.zeros((2, 0))))["shared"]).all()


LARGER = [  # a BiLSTM learns tags by heart in `tests/integration/test_texts.py`
    BiGRU((8,), 8, num_tokens=NUM_TOKENS),
    TextCNN(8, (2, 3), 8, dropout=0.0, num_tokens=NUM_TOKENS),
    CNNAttention((8,), 2, 8, 8, num_tokens=NUM_TOKENS),
    DPCNN(8, 2, 3, 8, dropout=0.0, num_tokens=NUM_TOKENS),
    Transformer(8, 1, 2, 16, dropout=0.0, num_tokens=NUM_TOKENS),
    BERT(embedding_dim=8, num_layers=1, num_heads=2, units=16, dropout=0.0, num_tokens=NUM_TOKENS),
]


@pytest.mark.slow
@pytest.mark.parametrize("tower", LARGER, ids=lambda tower: type(tower).__name__)
@pytest.mark.graph
def test_overfits_a_batch(tower):
    keras.utils.set_random_seed(0)
    tower_model = build(tower, IDS)
    odd = mtl.heads.Binary()(tower_model.output["shared"], "odd")
    model = keras.Model(tower_model.input, odd)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    rows, labels = np.array([[1, 2, 3, 0], [2, 3, 0, 0], [3, 1, 2, 4], [4, 4, 1, 0]]), np.array([[0], [1], [1], [0]])
    assert np.abs(model({"tokens": rows}) - labels).max() > 0.3
    steps = {"tokens": np.tile(rows, (80, 1))}, np.tile(labels, (80, 1))
    model.fit(*steps, batch_size=4, shuffle=False, verbose=0)
    assert np.abs(model({"tokens": rows}) - labels).max() < 0.1


class TestStrings:
    def test_are_looked_up(self):
        """Ids are 0 for the padding, 1 for what the vocabulary lacks, and from 2 on in its order."""
        model = build(BiGRU((2,), 3, vocabulary=WORDS), {"text": ((), "string")})
        texts = tf.constant(["Show the flights!", "what fares"])
        lookup = model.get_layer("shared_embedding_lookup")
        np.testing.assert_array_equal(lookup(texts), [[4, 5, 3], [6, 1, 0]])
        of_ids = build(BiGRU((2,), 3, vocabulary=WORDS), IDS)
        of_ids.set_weights(model.get_weights())
        np.testing.assert_array_equal(model({"text": texts})["shared"], of_ids(ids([[4, 5, 3], [6, 1, 0]]))["shared"])

    def test_length(self):
        tower = BiGRU((2,), 3, vocabulary=WORDS, length=2)
        model = build(tower, {"text": ((), "string")})
        assert model.output["shared"].shape == (None, 2, 4)
        assert model({"text": tf.constant(["what", ""])})["shared"].shape == (2, 2, 4)

    @pytest.mark.parametrize("standardize", ["lower_and_strip_punctuation", "lower", "strip_punctuation", None])
    def test_the_vocabulary_is_that_of_keras(self, standardize):
        texts = np.array(
            ["The fare, the FARE: É é!", "\tx-y\x0bz [UNK] b\n", "", "(a) b' a_b _ --- \u2003 b\xa0c", "ß ẞ b"]
        )
        layer = keras.layers.TextVectorization(standardize=standardize)
        layer.adapt(tf.constant(texts))
        expected = [t for t in layer.get_vocabulary(include_special_tokens=False) if t != "[UNK]"]
        assert list(BiLSTM.from_data(texts, standardize=standardize).vocabulary) == expected
        dataset = mtl.data.from_arrays({"text": texts}, {"t": np.arange(5.0)}, 2)
        assert list(BiLSTM.from_data(dataset, verbose=0, standardize=standardize).vocabulary) == expected

    def test_from_data_of_several_inputs(self):
        dataset = mtl.data.from_arrays({"a": ["b"], "c": ["d"]})
        with pytest.raises(ValueError, match=r"`texts` must be a dataset with one input. Received: 2 inputs, a, c"):
            BiLSTM.from_data(dataset, verbose=0)

    def test_from_data_orders_by_frequency(self):
        texts = ["the fare, the flights", "The FARE?", "the what"]
        assert BiLSTM.from_data(texts).vocabulary[:2] == ("the", "fare")
        assert set(BiLSTM.from_data(texts).vocabulary) == {"the", "fare", "flights", "what"}
        tower = TextCNN.from_data(np.array(texts), min_count=2, filters=3)
        assert (tower.vocabulary, tower.filters) == (("the", "fare"), 3)
        assert DPCNN.from_data(texts, max_tokens=1).vocabulary == ("the",)
        assert "fare," in BiGRU.from_data(texts, standardize="lower").vocabulary

    def test_inputs(self):
        tower = Transformer(vocabulary=WORDS)
        assert (tower.inputs().dtype, tower.inputs().shape) == ("string", (None,))
        assert (BERT(length=7).inputs().dtype, BERT(length=7).inputs().shape) == ("int32", (None, 7))

    def test_special_tokens_of_keras_are_none_of_the_vocabulary(self):
        assert BiLSTM(vocabulary=["", "[UNK]", *WORDS]).vocabulary == WORDS

    def test_the_recipe_is_a_value(self):
        assert hash(BiLSTM(vocabulary=list(WORDS))) == hash(BiLSTM(vocabulary=WORDS))
        assert BiLSTM(vocabulary=WORDS) != BiLSTM(vocabulary=WORDS[::-1])


class TestErrors:
    @pytest.mark.parametrize("vocabulary", ["fare", (), ("a", "a"), ("a", ""), (1, 2)])
    def test_bad_vocabulary(self, vocabulary):
        with pytest.raises(ValueError, match=r"`vocabulary` must be distinct strings that are not empty. Received"):
            BiLSTM(vocabulary=vocabulary)

    @pytest.mark.parametrize("name", ["num_tokens", "length", "embedding_dim"])
    @pytest.mark.parametrize("value", [0, 1.5, "2"])
    @pytest.mark.parametrize("tower", [BiLSTM, BiGRU, TextCNN, CNNAttention, DPCNN, Transformer, BERT])
    def test_bad_counts(self, tower, name, value):
        with pytest.raises(ValueError, match=rf"`{name}` must be an integer of at least 1. Received: {name}="):
            tower(**{name: value})

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match=r"`standardize` must be one of 'lower_and_strip_punctuation', .*upper"):
            BiLSTM(standardize="upper")
        with pytest.raises(ValueError, match=r"`embedding_dim` must be a multiple of `num_heads`, and even .*=6, .*=4"):
            Transformer(embedding_dim=6)
        with pytest.raises(
            ValueError, match=r"`embedding_dim` must be a multiple of `num_heads`. Received: .*=6, .*=4"
        ):
            BERT(embedding_dim=6, num_heads=4)
        with pytest.raises(ValueError, match=r"`positions` must be one of 'sine', 'learned'"):
            Transformer(positions="none")

    def test_strings_need_a_vocabulary(self):
        with pytest.raises(ValueError, match=r"`vocabulary` must have the tokens .*Use `BiGRU.from_data\(texts\)`"):
            build(BiGRU(), {"text": ((), "string")})

    @pytest.mark.parametrize(("shape", "dtype"), [((5,), "float32"), ((5, 2), "int32"), ((), "int32")])
    def test_other_inputs(self, shape, dtype):
        with pytest.raises(ValueError, match=r"`inputs` of a text tower must be token ids .*Received"):
            build(BiGRU(), {"x": (shape, dtype)})

    def test_several_inputs(self):
        with pytest.raises(ValueError, match=r"`inputs` of a text tower must be one text. Received: 2 inputs, a, b"):
            build(TextCNN(), {"a": ((5,), "int32"), "b": ((5,), "int32")})

    @pytest.mark.parametrize("texts", [[1, 2], [["a"], ["b"]], "a b"])
    def test_from_data_needs_texts(self, texts):
        with pytest.raises(ValueError, match=r"`texts` must be strings \[N\]. Received: shape"):
            BiLSTM.from_data(texts)

    def test_from_data_needs_frequent_tokens(self):
        with pytest.raises(ValueError, match=r"must leave a token. Received: min_count=3, .* is found 2 times"):
            BiLSTM.from_data(["a b", "a"], min_count=3)


def test_dpcnn_halves_the_length():
    """With windows of three every second token: 13, 7, 4, 2, 1, and 1 for good; for the mask as for the positions."""
    tower = DPCNN(filters=2, num_blocks=6, embedding_dim=3, num_tokens=NUM_TOKENS)
    model = build(tower, {"tokens": ((13,), "int32")})
    blocks = [model.get_layer(f"shared_block{i}_add").output for i in range(1, 7)]
    assert [block.shape[1] for block in blocks] == [13, 7, 4, 2, 1, 1]
    inner = keras.Model(model.input, blocks)
    rows = np.zeros((2, 13))
    rows[0, :9], rows[1, :2] = 1, 1
    masks = [tf.reduce_sum(tf.cast(block._keras_mask, "int32"), axis=1) for block in inner(ids(rows))]
    assert np.array(masks).T.tolist() == [[9, 5, 3, 2, 1, 1], [2, 1, 1, 1, 1, 1]]
