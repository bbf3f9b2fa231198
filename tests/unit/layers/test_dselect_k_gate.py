"""DSelectKGate."""

import keras
import numpy as np
import pytest

from mtl_keras.layers import DSelectKGate, SoftmaxGate
from mtl_keras.layers.dselect_k_gate import code_shares, smooth_step


def _static(z, w, num_experts, **arguments):
    """A gate of given logits: z [k, m] and w [k]."""
    gate = DSelectKGate(num_experts, k=len(w), per_example=False, **{"entropy": 0.0, **arguments})
    gate.build((None, 1))
    gate.set_weights([np.ravel(z), np.array(w)])
    return gate


@pytest.mark.parametrize(
    ("t", "gamma", "expected"),
    [
        (-0.5, 1.0, 0.0),
        (-7.0, 1.0, 0.0),
        (0.0, 1.0, 0.5),
        (0.25, 1.0, 0.84375),  # -2/64 + 3/8 + 1/2
        (0.5, 1.0, 1.0),
        (0.5, 2.0, 0.84375),
        (9.0, 2.0, 1.0),
    ],
)
def test_smooth_step(t, gamma, expected):
    np.testing.assert_allclose(smooth_step(keras.ops.convert_to_tensor(t), gamma), expected, atol=1e-6)


def test_code_shares():
    """Digits 1/4 and 1/8: 00, 01, 10, 11 get 3/4·7/8, 3/4·1/8, 1/4·7/8 and 1/4·1/8."""
    shares = code_shares(keras.ops.convert_to_tensor([[[0.25, 0.125]]]))
    np.testing.assert_allclose(shares, [[[21 / 32, 3 / 32, 7 / 32, 1 / 32]]], rtol=1e-6)


def test_by_hand():
    """Selector 1 is on code 10, expert 2; selector 2 is between codes 00 and 01; weights 3/4 and 1/4."""
    gate = _static([[5.0, -5.0], [-5.0, 0.25]], [np.log(3), 0.0], 4)
    np.testing.assert_allclose(gate(np.ones((2, 1))), [[0.25 * 0.15625, 0.25 * 0.84375, 0.75, 0.0]] * 2, atol=1e-6)


def test_logits_of_an_example():
    gate = DSelectKGate(2, k=1, gamma=2.0)
    gate.build((None, 2))
    weights = {"z_kernel": [[0.5], [0.0]], "z_bias": [0.25], "w_kernel": [[9.0], [9.0]], "w_bias": [0.0]}
    for name, value in weights.items():
        getattr(gate, name).assign(value)
    np.testing.assert_allclose(gate(np.array([[0.5, 7.0]])), [[0.15625, 0.84375]], atol=1e-6)  # z = 1/2


def test_with_as_many_selectors_as_experts_it_can_be_a_softmax_gate():
    """Selector j on expert j, w the logits: at most k experts, with weights that depend on the example."""
    softmax = SoftmaxGate(4)
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    expected = softmax(x)
    gate = DSelectKGate(4, k=4)
    gate(x)
    gate.z_kernel.assign(np.zeros((3, 8)))
    gate.z_bias.assign([-1, -1, -1, 1, 1, -1, 1, 1])
    gate.w_kernel.assign(softmax.kernel)
    gate.w_bias.assign(softmax.bias)
    np.testing.assert_allclose(gate(x), expected, atol=1e-6)


def test_entropy_by_hand():
    """A selector between two experts has entropy ln 2, one that has chosen has none."""
    gate = _static([[0.0], [3.0]], [0.0, 0.0], 2, entropy=0.5)
    gate(np.ones((7, 1)))
    np.testing.assert_allclose(gate.losses, [0.5 * np.log(2)], atol=1e-5)


@pytest.mark.parametrize("num_experts", [3, 5, 6])
def test_codes_without_an_expert_are_left(num_experts):
    """At z = 0 all codes have the same share: E of them are reached, of 4 or 8."""
    num_codes = 4 if num_experts == 3 else 8
    gate = _static(np.zeros((2, int(np.log2(num_codes)))), [0.0, 0.0], num_experts)
    gate(np.ones((7, 1)))
    np.testing.assert_allclose(gate.losses, [2 * (num_codes / num_experts - 1)], rtol=1e-5)
    chosen = _static(np.full((2, int(np.log2(num_codes))), -1.0), [0.0, 0.0], num_experts)
    np.testing.assert_allclose(chosen(np.ones((1, 1))), [[1.0] + [0.0] * (num_experts - 1)], atol=1e-6)
    np.testing.assert_allclose(chosen.losses, [0.0], atol=1e-6)


def test_a_power_of_two_has_no_such_loss():
    gate = _static(np.zeros((2, 2)), [0.0, 0.0], 4)
    gate(np.ones((1, 1)))
    assert gate.losses == []


@pytest.mark.graph
def test_the_entropy_drives_the_selectors_to_a_choice():
    inputs = keras.Input((3,))
    gate = DSelectKGate(5, k=2, entropy=1.0)
    model = keras.Model(inputs, gate(inputs))
    model.compile(keras.optimizers.Adam(0.05), loss=lambda y, p: keras.ops.sum(0.0 * p, axis=-1))
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    assert (model(x).numpy() > 1e-6).sum(axis=1).min() == 5
    model.fit(np.tile(x, (150, 1)), np.zeros((16 * 150, 5)), batch_size=16, shuffle=False, verbose=0)
    after = model(x).numpy()
    assert (after > 1e-3).sum(axis=1).max() <= 2
    np.testing.assert_allclose(after.sum(axis=1), 1.0, atol=1e-3)


def test_where_it_starts():
    gate = DSelectKGate(16, k=8, gamma=2.0)
    gate.build((None, 50))
    for name, bound in (("z_kernel", 0.02), ("z_bias", 0.02), ("w_kernel", 0.05), ("w_bias", 0.05)):
        values = np.abs(getattr(gate, name).numpy())
        assert 0.7 * bound < values.max() <= bound
    assert np.abs(gate.z_bias.numpy()[:8] / 0.02 - gate.w_bias.numpy() / 0.05).max() > 0.1  # seeds of their own


def test_inspect():
    gate = _static([[5.0, -5.0], [-5.0, 0.25]], [np.log(3), 0.0], 4, labels=("a", ["p", "q", "r", "s"], ""))
    shown = gate.inspect(gate(np.ones((2, 1))))
    assert [float(v) for v in shown["chosen"]["a"].values()] == [1.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(
        [float(v) for v in shown["gate"]["a"].values()], [0.0390625, 0.2109375, 0.75, 0.0], atol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"num_experts": 1}, "num_experts"),
        ({"k": 0}, "k"),
        ({"k": 5}, "k"),
        ({"gamma": 0.0}, "gamma"),
        ({"entropy": -1.0}, "entropy"),
        ({"balance": -1.0}, "balance"),
    ],
)
def test_arguments_out_of_range(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
        DSelectKGate(**{"num_experts": 4, **arguments})
