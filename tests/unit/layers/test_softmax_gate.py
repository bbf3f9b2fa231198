"""SoftmaxGate."""

import keras
import numpy as np
import pytest

from mtl_keras.layers import SoftmaxGate


def _gate(kernel, bias, **arguments):
    gate = SoftmaxGate(len(bias), **arguments)
    gate.build((None, len(kernel)))
    gate.set_weights([np.array(kernel), np.array(bias)])
    return gate


def test_by_hand():
    """Logits (1·ln 2 + 0, 0 + ln 3) give weights 2/5 and 3/5."""
    gate = _gate([[np.log(2), 0.0]], [0.0, np.log(3)])
    np.testing.assert_allclose(gate(np.ones((1, 1))), [[0.4, 0.6]], rtol=1e-6)


def test_temperature():
    """At temperature 1/2 the odds 2 : 3 are squared."""
    gate = _gate([[np.log(2), 0.0]], [0.0, np.log(3)], temperature=0.5)
    np.testing.assert_allclose(gate(np.ones((1, 1))), [[4 / 13, 9 / 13]], rtol=1e-6)


@pytest.mark.parametrize(
    ("bias", "expected"),
    [
        ([0.0, 0.0], 0.0),
        ([100.0, 0.0], 1.0),  # importance (1, 0): variance 1/4 over mean² 1/4
        ([100.0, 0.0, 0.0, 0.0], 3.0),  # (1, 0, 0, 0): 3/16 over 1/16
        ([0.0, np.log(3)], 0.25),  # (1/4, 3/4): 1/16 over 1/4
    ],
)
def test_balance_by_hand(bias, expected):
    gate = _gate([[0.0] * len(bias)], bias, balance=2.0)
    gate(np.ones((5, 1)))
    np.testing.assert_allclose(gate.losses, [2 * expected], atol=1e-6)


def test_balance_is_over_the_batch():
    """Each example goes to one expert, and both experts get half of them: that is balanced."""
    gate = _gate([[100.0, -100.0]], [0.0, 0.0], balance=1.0)
    gate(np.array([[1.0], [-1.0]]))
    np.testing.assert_allclose(gate.losses, [0.0], atol=1e-6)


def test_without_balance_there_is_no_loss():
    gate = _gate([[1.0, 0.0]], [0.0, 0.0])
    gate(np.ones((2, 1)))
    assert gate.losses == []


def test_inspect():
    gate = _gate([[np.log(3), 0.0]], [0.0, 0.0], labels=("digit", ["shared1", "digit1"], "_level2"))
    shown = gate.inspect(gate(np.array([[1.0], [0.0]])))
    (row,) = shown["gate_level2"].values()
    assert list(shown["gate_level2"]) == ["digit"]
    assert {name: round(float(value), 4) for name, value in row.items()} == {"shared1": 0.625, "digit1": 0.375}
    assert list(SoftmaxGate(2, name="own").inspect(keras.ops.ones((1, 2)))["gate"]["own"]) == ["expert1", "expert2"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"num_experts": 0}, "num_experts"), ({"temperature": 0.0}, "temperature"), ({"balance": -1.0}, "balance")],
)
def test_arguments_out_of_range(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}="):
        SoftmaxGate(**{"num_experts": 2, **arguments})
