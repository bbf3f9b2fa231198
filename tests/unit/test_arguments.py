"""The checks of arguments: what passes, and what the errors say."""

import dataclasses

import numpy as np
import pytest

from mtl_keras import _arguments as arguments


@pytest.mark.parametrize("value", [1, 3, np.int64(3), np.uint8(3), np.int32(1)])
def test_a_count_becomes_a_plain_integer(value):
    found = arguments.count("n", value)
    assert found == int(value)
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, np.float64(2), True, np.bool_(True), "3", None, float("nan"), [1]])
def test_what_is_no_count(value):
    with pytest.raises(ValueError, match=r"`n` must be an integer of at least 1\. Received: n=.*\. Use 1\."):
        arguments.count("n", value, hint="Use 1.")


def test_a_count_has_an_upper_bound():
    assert arguments.count("n", 4, 2, at_most=4) == 4
    with pytest.raises(ValueError, match=r"`n` must be an integer from 2 to 4\. Received: n=5\."):
        arguments.count("n", 5, 2, at_most=4)


def test_counts_are_a_tuple():
    assert arguments.counts("n", [1, np.int64(2)]) == (1, 2)
    for wrong in ((), (0,), (1.0,), (True,), 3, "33", None, {1}):
        with pytest.raises(ValueError, match="`n` must be a tuple of integers of at least 1"):
            arguments.counts("n", wrong)
    assert arguments.counts("n", [], empty=True) == ()
    with pytest.raises(ValueError, match="`n` must be a tuple of integers"):
        arguments.counts("n", "", empty=True)


@pytest.mark.parametrize("value", [2, 0.5, np.float32(0.5), np.float64(0.5), np.int64(2)])
def test_a_number_becomes_a_plain_one(value):
    found = arguments.number("c", value, above=0)
    assert found == value
    assert type(found) in (int, float)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), True, np.bool_(True), "1", None, [1.0], 1j]
)
def test_what_is_no_number(value):
    with pytest.raises(ValueError, match=r"`c` must be a finite number\. Received: c="):
        arguments.number("c", value)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside", "text"),
    [
        ({"above": 0}, 1e-9, 0, "above 0"),
        ({"at_least": 0}, 0, -1e-9, "of at least 0"),
        ({"at_least": 0, "below": 1}, 0.99, 1, "of at least 0 and below 1"),
        ({"above": 0, "at_most": 1}, 1.0, 1.01, "above 0 and at most 1"),
    ],
)
def test_the_bounds_of_a_number(bounds, inside, outside, text):
    assert arguments.number("c", inside, **bounds) == inside
    with pytest.raises(ValueError, match=f"`c` must be a finite number {text}. Received: c={outside}. Use 1."):
        arguments.number("c", outside, **bounds, hint="Use 1.")


def test_a_choice_is_of_the_same_type():
    assert arguments.choice("level", "a", ("a", "b")) == "a"
    assert arguments.choice("level", None, (None, "b")) is None
    assert type(arguments.choice("depth", np.int64(16), (16, 19))) is int
    for wrong in ("c", None, 1, ["a"], np.ones(2)):
        with pytest.raises(ValueError, match=r"`level` must be one of 'a', 'b'. Received: level="):
            arguments.choice("level", wrong, ("a", "b"))
    with pytest.raises(ValueError, match="`level` must be one of 1, 2"):
        arguments.choice("level", True, (1, 2))


def test_a_flag_is_true_or_false():
    assert arguments.flag("on", np.bool_(True)) is True
    for wrong in (1, 0, "True", None):
        with pytest.raises(ValueError, match=r"`on` must be True or False. Received: on="):
            arguments.flag("on", wrong)


def test_by_task_names_what_is_unknown_and_what_is_missing():
    given = {"a": 1, "b": 2}
    assert arguments.by_task("y", given, ["a", "b"], complete=True) is given
    with pytest.raises(ValueError, match=r"`y` must be a dict by task name with keys out of \['a'\]. Received: y=3"):
        arguments.by_task("y", 3, ["a"])
    with pytest.raises(ValueError, match=r"`y` has unknown keys \['c'\]. Expected task names out of \['a', 'b'\]"):
        arguments.by_task("y", {"c": 1}, ["a", "b"])
    with pytest.raises(ValueError, match=r"`y` lacks the tasks \['b'\]"):
        arguments.by_task("y", {"a": 1}, ["a", "b"], complete=True)


def test_what_an_argument_belongs_to_comes_first():
    with pytest.raises(ValueError, match=r"^Task 'digit': `weight` must be"):
        arguments.number("weight", "1", where="Task 'digit'")


def test_a_large_value_is_described_in_short():
    with pytest.raises(ValueError, match=r"Received: n=an array of shape \(1000, 3\)\."):
        arguments.count("n", np.ones((1000, 3)))
    with pytest.raises(ValueError, match=r"Received: n=\[0, 0.*\.\.\.\."):
        arguments.count("n", [0] * 1000)


def test_a_frozen_recipe_stores_the_plain_values():
    @dataclasses.dataclass(frozen=True)
    class Recipe:
        units: tuple[int, ...]
        rate: float = 0.5

        def __post_init__(self):
            units, rate = arguments.counts("units", self.units), arguments.number("rate", self.rate)
            arguments.settle(self, units=units, rate=rate)

    recipe = Recipe([np.int64(3), 4], np.float32(0.5))
    assert recipe == Recipe((3, 4))
    assert (recipe.units, recipe.rate) == ((3, 4), 0.5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.rate = 2
