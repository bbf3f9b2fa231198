"""Numbers of the layers, worked out by hand."""

import keras
import numpy as np
import pytest

from mtl_keras import layers


def test_match_positions_averages_over_cells():
    x = np.arange(5.0).reshape(1, 5, 1)
    out = layers.MatchPositions()([x, np.ones((1, 2, 1))])
    np.testing.assert_allclose(out[0, :, 0], [1.0, 3.0])  # cells 0 to 2 and 2 to 4
    out = layers.MatchPositions()([x[:, :2], np.ones((1, 3, 1))])
    np.testing.assert_allclose(out[0, :, 0], [0.0, 0.5, 1.0])


def test_match_positions_of_maps_and_vectors():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    out = layers.MatchPositions()([x, np.ones((1, 2, 2, 3))])
    np.testing.assert_allclose(out[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_allclose(layers.MatchPositions()([x, np.ones((1, 3))]), [[7.5]])
    np.testing.assert_allclose(layers.MatchPositions()([np.ones((1, 2)), np.ones((1, 3, 4))]), np.ones((1, 3, 2)))


def test_match_positions_of_unknown_length():
    long, short = keras.Input((None, 2)), keras.Input((None, 3))
    model = keras.Model([long, short], layers.MatchPositions()([long, short]))
    x = np.stack([np.arange(6.0), np.ones(6)], axis=1)[None]
    out = model.predict([x, np.ones((1, 3, 3))], verbose=0)
    np.testing.assert_allclose(out[0], [[0.5, 1], [2.5, 1], [4.5, 1]])


def test_attention_mask():
    layer = layers.AttentionMask(name="a_mask")
    out = layer(np.array([[0.0, np.log(3.0)]]))
    np.testing.assert_allclose(out, [[0.5, 0.75]], rtol=1e-6)
    assert float(layer.inspect(out)["mask"]["a_mask"]["mean"]) == pytest.approx(0.625)


def test_subspaces_show_how_much_of_each_task_they_take():
    layer = layers.SubspaceStitch(index=1, own=0.7, name="b")
    layer([np.ones((1, 2)), np.ones((1, 2))])
    shown = layer.inspect(None)["alpha"]["b"]
    assert {column: float(value) for column, value in shown.items()} == pytest.approx({"task1": 0.2, "task2": 0.8})


def test_calibration():
    later, earlier = np.array([[0.0], [0.0]]), np.log([[0.25 / 0.75], [3.0]])  # 0.5 after 0.25 and after 0.75
    layer = layers.Calibration(0.6)
    np.testing.assert_array_equal(layer([later, earlier]), later)
    assert float(layer.losses[0]) == pytest.approx(0.6 * (0.25 + 0.0) / 2)


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.2), (1e-3, 0.999), (0.3, 1e-6)])
def test_logit_product(p, q):
    a, b = (np.array([[np.log(x / (1 - x))]]) for x in (p, q))
    product = keras.ops.sigmoid(layers.LogitProduct(dtype="float64")([a, b]))
    assert float(product[0, 0]) == pytest.approx(p * q, rel=1e-9)


@pytest.mark.parametrize(("a", "b", "expected"), [(200, 300, 200), (-200, 300, -200), (-200, -300, -500), (0, 200, 0)])
def test_logit_product_of_certain_events(a, b, expected):
    """Where a probability in float32 is 0 or 1, the logit goes on."""
    out = layers.LogitProduct()([np.array([[a]], "float32"), np.array([[b]], "float32")])
    assert float(out[0, 0]) == pytest.approx(expected, abs=1e-5)


def test_subspaces_at_right_angles_cost_nothing():
    x = np.array([[1.0, 1.0], [1.0, -1.0]], "float32")  # the columns are orthogonal
    layer = layers.SubspaceStitch(index=0, orthogonality=1.0)
    layer([x, x])
    assert float(layer.losses[0]) == pytest.approx(0.0)
    layer([np.ones((4, 2)), np.ones((4, 2))])
    assert float(layer.losses[0]) == pytest.approx(1.0)  # (1/4 · Σ 1·1)²


class TestBranching:
    def test_the_largest_logit_is_chosen(self):
        layer = layers.Branching()
        inputs = [np.full((2, 3), value, "float32") for value in (1.0, 2.0, 4.0)]
        layer(inputs)
        layer.logits.assign([0.0, 1.0, 0.5])
        np.testing.assert_array_equal(layer(inputs), inputs[1])
        assert layer.chosen() == 1
        expected = np.exp([0.0, 1.0, 0.5]) / np.exp([0.0, 1.0, 0.5]).sum()
        shown = layer.inspect(None)["branch"][layer.name]
        np.testing.assert_allclose(list(shown.values()), expected, rtol=1e-6)

    def test_samples_have_the_probabilities_of_the_logits(self):
        """At a low temperature a sample is one-hot, k with the probability softmax(logits)_k."""
        layer = layers.Branching(temperature=1e-3, min_temperature=1e-3, seed=0)
        inputs = [np.eye(2, dtype="float32")[k : k + 1] for k in range(2)]
        layer(inputs)
        layer.logits.assign([np.log(3.0), 0.0])
        samples = np.concatenate([layer(inputs, training=True) for _ in range(400)])
        assert (np.isclose(samples, 0, atol=1e-3) | np.isclose(samples, 1, atol=1e-3)).mean() > 0.98
        assert samples[:, 0].mean() == pytest.approx(0.75, abs=0.065)  # three standard deviations

    def test_the_temperature_falls_in_training_alone(self):
        layer = layers.Branching(temperature=4.0, min_temperature=1.0, anneal_steps=2)
        inputs = [np.ones((1, 2)), np.ones((1, 2))]
        for training, step in ((False, 0), (True, 1), (False, 1), (True, 2), (True, 2)):
            layer(inputs, training=training)
            assert float(layer.step) == step

    def test_a_saved_layer_goes_on_with_the_same_samples(self, tmp_path):
        inputs = [keras.Input((2,)), keras.Input((2,))]
        model = keras.Model(inputs, layers.Branching(seed=3, anneal_steps=5)(inputs))
        x = [np.zeros((1, 2)), np.ones((1, 2))]
        for _ in range(3):
            model(x, training=True)
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        for _ in range(3):
            np.testing.assert_array_equal(loaded(x, training=True), model(x, training=True))


@pytest.mark.parametrize(
    ("cls", "arguments", "error"),
    [
        (layers.Branching, {"temperature": 0.0}, r"`temperature` must be above 0\. Received"),
        (layers.Branching, {"min_temperature": -1.0}, r"`min_temperature` must be above 0\. Received"),
        (layers.Branching, {"anneal_steps": 0}, "`anneal_steps` must be a positive integer"),
        (layers.Calibration, {"strength": -0.1}, "`strength` must be at least 0"),
        (layers.CrossStitch, {"index": -1}, "`index` must be an integer of at least 0"),
        (layers.CrossStitch, {"index": 0, "own": 1.5}, r"`own` must be in \[0, 1\]"),
        (layers.SubspaceStitch, {"index": 0, "num_subspaces": 0}, "`num_subspaces` must be a positive integer"),
        (layers.SubspaceStitch, {"index": 0, "orthogonality": -1}, "`orthogonality` must be at least 0"),
    ],
)
def test_arguments_out_of_range(cls, arguments, error):
    with pytest.raises(ValueError, match=error):
        cls(**arguments)


@pytest.mark.parametrize("shapes", [[(2, 4)], [(2, 4), (2, 5)], [(2, 4), (2, 4)]])
@pytest.mark.parametrize("cls", [layers.CrossStitch, layers.SubspaceStitch])
def test_streams_that_do_not_fit(cls, shapes):
    with pytest.raises(ValueError, match="The inputs must be two tensors or more of the same shape"):
        cls(index=2)([np.ones(shape) for shape in shapes])


def test_subspaces_must_divide_the_channels():
    with pytest.raises(ValueError, match="`num_subspaces` must divide the number of channels"):
        layers.SubspaceStitch(index=0, num_subspaces=3)([np.ones((1, 4)), np.ones((1, 4))])
