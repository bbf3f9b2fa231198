"""Spaces: what they draw, and what the storage keeps of it."""

import numpy as np
import optuna
import pytest

import mtl_keras as mtl
from mtl_keras.study._plan import _stratified
from mtl_keras.study.spaces import suggest, values_of

SPACES = {
    "rate": mtl.study.Float(1e-4, 1e-2, log=True),
    "share": mtl.study.Float(-1, 1),
    "width": mtl.study.Int(4, 7),
    "depth": mtl.study.Int(1, 8, log=True),
    "sharing": mtl.study.Choice(["hard", mtl.sharing.MMoE(num_experts=2), None]),
    "loss_weights": mtl.study.LossWeights(["a", "b", "c"]),
}


@pytest.mark.parametrize("name", SPACES)
def test_what_is_drawn_is_what_optuna_takes(name):
    """A trial queued with the drawn numbers suggests the same ones, without a warning that they are outside."""
    space = {name: SPACES[name]}
    for even in (0.0, 0.3, 0.999999):
        drawn = SPACES[name].draw(name, dict.fromkeys(SPACES[name].distributions(name), even))
        assert suggest(optuna.trial.FixedTrial(drawn), space) == drawn
        assert values_of(space, drawn).keys() == {name}


def test_the_values_by_hand():
    at = {name: {key: 0.5 for key in space.distributions(name)} for name, space in SPACES.items()}
    drawn = {}
    for name, space in SPACES.items():
        drawn |= space.draw(name, at[name])
    values = values_of(SPACES, drawn)
    assert values["rate"] == pytest.approx(1e-3)
    assert values["share"] == 0
    assert values["width"] == 6
    assert values["depth"] == 3  # the square root of 9
    assert values["sharing"] == mtl.sharing.MMoE(num_experts=2)
    assert values["loss_weights"] == pytest.approx({"a": 1, "b": 1, "c": 1})


def test_integers_are_even_and_reach_both_ends():
    width = SPACES["width"]
    drawn = [width.draw("width", {"width": u})["width"] for u in np.arange(0, 1, 0.01)]
    assert [drawn.count(i) for i in (4, 5, 6, 7)] == [25, 25, 25, 25]


def test_loss_weights_are_a_flat_dirichlet_of_mean_1():
    """Each share of a flat Dirichlet distribution of three has the mean 1/3 and the variance 1/18."""
    space, rng = SPACES["loss_weights"], np.random.default_rng(0)
    keys = list(space.distributions("w"))
    shares = []
    for even in rng.uniform(size=(4000, 3)):
        weights = space.value("w", space.draw("w", dict(zip(keys, even, strict=True))))
        assert sum(weights.values()) == pytest.approx(3)
        shares.append([weight / 3 for weight in weights.values()])
    np.testing.assert_allclose(np.mean(shares, axis=0), 1 / 3, atol=0.015)
    np.testing.assert_allclose(np.var(shares, axis=0), 1 / 18, rtol=0.06)


def test_defaults():
    assert SPACES["rate"].default("rate", 0.005) == {"rate": 0.005}
    assert SPACES["rate"].default("rate", 0.1) is None
    assert SPACES["width"].default("width", 5.0) is None
    assert SPACES["sharing"].default("sharing", mtl.sharing.MMoE(num_experts=2)) == {
        "sharing": repr(mtl.sharing.MMoE(num_experts=2))
    }
    assert SPACES["loss_weights"].default("w", None) == {"w.a": 0.5, "w.b": 0.5, "w.c": 0.5}


def test_trials_are_spread_over_the_range():
    """One number in each of as many equal parts as there are trials after the first."""
    numbers = _stratified("rate", 0, 9)
    assert len(numbers) == 9
    assert sorted(int(8 * number) for number in numbers[1:]) == list(range(8))
    assert _stratified("width", 0, 9) != numbers


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mtl.study.Float(1, 0), "`high` must be a finite number above 1"),
        (lambda: mtl.study.Float(0, 1, log=True), "`low` must be a finite number above 0"),
        (lambda: mtl.study.Float(0, 1, log=1), "`log` must be True or False"),
        (lambda: mtl.study.Int(1.5, 2), "`low` must be an integer"),
        (lambda: mtl.study.Int(3, 3), "`high` must be a finite number above 3"),
        (lambda: mtl.study.Choice(["a"]), "`options` must be a list of at least two"),
        (lambda: mtl.study.Choice([1, 1]), "`options` must be a list of values whose printed texts differ"),
        (lambda: mtl.study.Choice("ab"), "`options` must be a list"),
        (lambda: mtl.study.LossWeights(["a"]), "`tasks` must be a list of at least two names"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
