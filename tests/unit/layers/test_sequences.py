"""The layers that mind the padding of sequences: numbers by hand."""

import keras
import numpy as np
import pytest

from mtl_keras import layers

MASK = np.array([[True, True, False]])
COLUMN = np.array([[[1.0], [2.0], [9.0]]])  # [1, 3, 1]


def _through(layer, length=None):
    """A model of a layer on embedded ids, whose mask is True where an id is not 0."""
    ids = keras.Input((length,), dtype="int32")
    return keras.Model(ids, layer(keras.layers.Embedding(5, 2, mask_zero=True)(ids)))


class TestFillEmpty:
    def test_only_rows_without_a_token_change(self):
        ids = np.array([[5, 0], [0, 7], [0, 0]])
        np.testing.assert_array_equal(layers.FillEmpty()(ids), [[5, 0], [0, 7], [1, 0]])

    def test_a_batch_of_length_0(self):
        np.testing.assert_array_equal(layers.FillEmpty()(np.zeros((2, 0), "int32")), [[1], [1]])
        inputs = keras.Input((None,), dtype="int64")
        model = keras.Model(inputs, layers.FillEmpty()(inputs))
        np.testing.assert_array_equal(model.predict(np.zeros((2, 0), "int64"), verbose=0), [[1], [1]])
        np.testing.assert_array_equal(model.predict(np.array([[3, 0]]), verbose=0), [[3, 0]])


class TestMaskedConv1D:
    def test_sees_no_padding(self):
        layer = layers.MaskedConv1D(1, 3, kernel_initializer="ones", bias_initializer="ones")
        np.testing.assert_allclose(layer(COLUMN, mask=MASK)[0, :2, 0], [4.0, 4.0])
        np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [4.0, 13.0, 12.0])

    def test_causal(self):
        layer = layers.MaskedConv1D(1, 2, padding="causal", kernel_initializer="ones")
        np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [1.0, 3.0, 11.0])

    def test_passes_the_mask_on(self):
        assert _through(layers.MaskedConv1D(3, 3)).output._keras_mask is not None

    @pytest.mark.parametrize("argument", [{"padding": "valid"}, {"strides": 2}, {"data_format": "channels_first"}])
    def test_must_keep_the_length(self, argument):
        with pytest.raises(ValueError, match=r"`padding` must be 'same' or 'causal', `strides` 1.*Received"):
            layers.MaskedConv1D(2, 3, **argument)


class TestHalveSequence:
    @pytest.mark.parametrize(
        ("x", "expected"),
        [
            ([3], [3]),
            ([3, 1], [3]),
            ([-3, -1, -4], [-1, -4]),
            ([3, 1, 4, 1], [4, 4]),
            ([3, 1, 4, 1, 5], [4, 5, 5]),
        ],
    )
    @pytest.mark.parametrize("padding", [0, 1, 2, 3])
    def test_maxima_whatever_the_padding(self, x, expected, padding):
        layer = layers.HalveSequence()
        mask = np.array([[True] * len(x) + [False] * padding])
        x = np.array([*x, *[99.0] * padding], "float32").reshape(1, -1, 1)
        y, mask = layer(x, mask=mask)[0, :, 0], np.array(layer.compute_mask(x, mask))[0]
        assert len(y) == len(mask) == -(-x.shape[1] // 2)
        np.testing.assert_array_equal(mask, np.arange(len(mask)) < len(expected))
        np.testing.assert_array_equal(y[: len(expected)], expected)
        np.testing.assert_array_equal(y[len(expected) :], 0)

    def test_without_a_mask(self):
        layer = layers.HalveSequence()
        np.testing.assert_array_equal(layer(-COLUMN)[0, :, 0], [-1.0, -9.0])
        assert layer.compute_mask(COLUMN) is None

    def test_the_mask_comes_along(self):
        model = _through(layers.HalveSequence())
        ids = np.array([[1, 2, 3, 0, 0, 0], [4, 0, 0, 0, 0, 0]])
        np.testing.assert_array_equal(model(ids)._keras_mask, [[True, True, False], [True, False, False]])

    def test_gradients_are_finite(self):
        model = _through(layers.HalveSequence())
        model.compile("sgd", loss="mse")
        model.fit(np.array([[1, 0, 0], [0, 0, 0]]), np.ones((2, 2, 2)), verbose=0)
        assert np.isfinite(model.get_weights()[0]).all()


def test_max_over_positions():
    layer = layers.MaxOverPositions()
    np.testing.assert_array_equal(layer(COLUMN, mask=MASK), [[2.0]])
    np.testing.assert_array_equal(layer(-COLUMN, mask=MASK), [[-1.0]])
    np.testing.assert_array_equal(layer(COLUMN, mask=~MASK & False), [[0.0]])
    np.testing.assert_array_equal(layer(COLUMN), [[9.0]])


class TestAttentionPooling:
    def test_weights(self):
        """tanh(x) = 3/5 for x = ln 2, so that with v = 5/3 · ln 3 the second token weighs three times the first."""
        layer = layers.AttentionPooling(1)
        x = np.array([[[0.0], [np.log(2.0)], [50.0]]])
        layer.build(x.shape)
        layer.set_weights([np.ones((1, 1)), np.zeros(1), np.full((1, 1), 5 / 3 * np.log(3.0))])
        np.testing.assert_allclose(layer(x, mask=MASK), [[0.75 * np.log(2.0)]], rtol=1e-6)

    def test_without_a_token_it_is_finite(self):
        assert np.isfinite(layers.AttentionPooling(2)(COLUMN, mask=MASK & False)).all()

    @pytest.mark.parametrize("units", [0, 1.5, True, None])
    def test_bad_units(self, units):
        with pytest.raises(ValueError, match=r"`units` must be a positive integer. Received: units="):
            layers.AttentionPooling(units)


def test_the_original_keeps_the_mask_that_attention_takes():
    words = keras.layers.Embedding(9, 4, mask_zero=True)(np.array([[3, 8, 0]]))
    for read, left in ((layers.CopyWithMask()(words), True), (words, False)):
        np.testing.assert_array_equal(read._keras_mask, MASK)
        keras.layers.MultiHeadAttention(2, 2)(read, read)
        assert (getattr(words, "_keras_mask", None) is not None) == left


class TestMatchPositions:
    def test_means_of_tokens(self):
        """5 tokens to 2: the cells 0 to 2 and 2 to 4, as without padding; and over all of them."""
        x = np.array([[[0.0], [1.0], [9.0], [2.0], [3.0], [4.0], [9.0]]])
        mask = x[:, :, 0] < 9
        like = np.ones((1, 4, 3))
        out = layers.MatchPositions()([x, like], mask=[mask, np.array([[True, True, False, False]])])
        np.testing.assert_allclose(out[0, :2, 0], [1.0, 3.0])
        out = layers.MatchPositions()([x[:, :2], like], mask=[mask[:, :2], None])
        np.testing.assert_allclose(out[0, :, 0], [0.0, 0.0, 1.0, 1.0])
        np.testing.assert_allclose(layers.MatchPositions()([x, like[:, 0]], mask=[mask, None]), [[2.0]])

    def test_as_many_tokens_stay_as_they_are(self):
        x, like, mask = COLUMN, np.ones((1, 2, 1)), MASK[:, :2]
        np.testing.assert_allclose(layers.MatchPositions()([x, like], mask=[MASK, mask])[0, :, 0], [1.0, 2.0])


class TestAddPositions:
    def test_sines_of_the_paper(self):
        """Section 3.5: the wavelengths of 4 channels are 2π and 100 · 2π."""
        places = layers.AddPositions()(np.zeros((1, 3, 4)))[0]
        expected = [[np.sin(t), np.cos(t), np.sin(t / 100), np.cos(t / 100)] for t in range(3)]
        np.testing.assert_allclose(places, expected, atol=1e-6)

    def test_a_table(self):
        layer = layers.AddPositions("learned", max_length=4)
        layer.build((None, None, 1))
        layer.set_weights([np.array([[10.0], [20.0], [30.0], [40.0]])])
        np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [11.0, 22.0, 39.0])
        layer.scale = 2.0
        np.testing.assert_allclose(layer(COLUMN)[0, :, 0], [12.0, 24.0, 48.0])

    def test_only_tokens_count(self):
        layer = layers.AddPositions("learned", max_length=2)
        layer.build((None, None, 1))
        layer.set_weights([np.array([[10.0], [20.0]])])
        mask = np.array([[False, True, True]])
        np.testing.assert_allclose(layer(COLUMN, mask=mask)[0, 1:, 0], [12.0, 29.0])

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match=r"`positions` must be 'sine' or 'learned'. Received: positions='rotary'"):
            layers.AddPositions("rotary")
        with pytest.raises(ValueError, match=r"`max_length` must be a positive integer. Received: max_length=0"):
            layers.AddPositions("learned", max_length=0)
        with pytest.raises(ValueError, match=r"`max_length` must be at least the length of the sequence, 3"):
            layers.AddPositions("learned", max_length=2)(COLUMN)
        with pytest.raises(ValueError, match=r"`scale` must be above 0. Received: scale=0"):
            layers.AddPositions(scale=0)
        with pytest.raises(ValueError, match=r"`x` must have an even number of channels for 'sine'. Received: 1"):
            layers.AddPositions()(COLUMN)
