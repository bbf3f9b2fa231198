"""Arguments out of range are named at construction, lengths at `build`."""

import re

import numpy as np
import pytest

from mtl_keras import weightings as w

BAD = {
    "`gamma` must be a finite number of at least 0. Received: gamma=-1.": lambda: w.DTP(gamma=-1),
    "`decay` must be a finite number of at least 0 and below 1. Received: decay=1.": lambda: w.DTP(decay=1),
    "`eps` must be a finite number above 0. Received: eps=0.": lambda: w.GLS(eps=0),
    "`eps` must be a finite number above 0. Received: eps=-1.": lambda: w.ScaleInvariant(eps=-1),
    "`mu` must be a finite number above 0. Received: mu=0.": lambda: w.STCH(mu=0),
    "`preference` must be a list of non-negative numbers, one per task": lambda: w.STCH(preference=[1, -1]),
    "not all zero": lambda: w.Tchebycheff(preference=[0, 0]),
    "`leak` must be a finite number of at least 0 and at most 1. Received: leak=2.": lambda: w.GradDrop(leak=2),
    "`trim` must be an integer of at least 0. Received: trim=-1.": lambda: w.TrimmedMean(trim=-1),
    "`beta` must be a finite number above 0 and at most 1. Received: beta=0.": lambda: w.MoCo(beta=0),
    "`beta` must be a finite number of at least 0 and below 1. Received: beta=1.": lambda: w.DBMTL(beta=1),
    "`learning_rate` must be a finite number above 0. Received: learning_rate=0.": lambda: w.ExcessMTL(learning_rate=0),
    "`relax` must be a finite number of at least 0 and at most 1. Received: relax=2.": lambda: w.MetaBalance(relax=2),
    "`preference` must be a list with one number per task (2)": lambda: w.STCH(preference=[1]).build(2),
    "`reference` must be a list with one number per task (2)": lambda: w.Tchebycheff(reference=[1]).build(2),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_arguments(message):
    with pytest.raises(ValueError, match=re.escape(message)):
        BAD[message]()


@pytest.mark.parametrize("make", [w.STCH, w.Tchebycheff])
def test_preference_and_reference(make):
    weighting, plain = make(preference=[3, 1], reference=[0.5, 1.0]), make()
    weighting.build(2)
    plain.build(2)
    losses, present = np.array([0.7, 3.0], "float32"), np.ones(2, "float32")
    scaled = (losses - np.array([0.5, 1.0], "float32")) * np.array([1.5, 0.5], "float32")
    np.testing.assert_allclose(float(weighting(losses, present)), float(plain(scaled, present)), rtol=1e-6)


LISTS = [(w.STCH, "preference"), (w.UPGrad, "preference"), (w.Tchebycheff, "reference"), (w.FAMO, "min_losses")]


@pytest.mark.parametrize(("cls", "argument"), LISTS)
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), True, "1", None])
def test_an_entry_of_a_list_is_a_number(cls, argument, wrong):
    with pytest.raises(ValueError, match=rf"`{argument}\[1\]` must be a finite number\. Received: {argument}\[1\]="):
        cls(**{argument: [1.0, wrong]})


@pytest.mark.parametrize(("cls", "argument"), LISTS)
@pytest.mark.parametrize("wrong", [1.0, "12", {"a": 1.0}])
def test_a_list_of_numbers_is_no_single_one(cls, argument, wrong):
    with pytest.raises(
        ValueError, match=f"`{argument}` must be a list with one number per task. Received: {argument}="
    ):
        cls(**{argument: wrong})


@pytest.mark.parametrize(("cls", "argument"), LISTS)
def test_a_list_of_numpy_numbers_becomes_one_of_floats(cls, argument):
    kept = cls(**{argument: np.array([1, 2], "float32")}).get_config()[argument]
    assert list(kept) == [1.0, 2.0]
    assert {type(value) for value in kept} == {float}


@pytest.mark.parametrize("seed", [0, -3, 2**63 - 1, np.int64(7)])
def test_a_seed_is_any_integer_of_64_bits(seed):
    weighting = w.RLW(seed=seed)
    weighting.build(2)
    assert weighting.get_config()["seed"] == seed
    assert type(weighting.seed) is int
    with pytest.raises(ValueError, match="`seed` must be an integer from"):
        w.RLW(seed=2**63)


@pytest.mark.parametrize("wrong", [float("nan"), True, 1.5, -1])
def test_a_primary_task_is_a_position_or_a_name(wrong):
    with pytest.raises(ValueError, match=r"`primary` must be an integer of at least 0. Received: primary="):
        w.PCD(primary=wrong)
    with pytest.raises(ValueError, match=r"`primary` must be the name of a task. Received: primary="):
        w.MetaBalance(primary=wrong)


@pytest.mark.parametrize("cls", [w.PCGrad, w.GradVac])
def test_shuffle_is_a_flag(cls):
    assert cls(shuffle=np.bool_(False)).shuffle is False
    with pytest.raises(ValueError, match=r"`shuffle` must be True or False. Received: shuffle=1"):
        cls(shuffle=1)
