"""Arguments out of range are named at construction, lengths at `build`."""

import re

import numpy as np
import pytest

from mtl_keras import weightings as w

BAD = {
    "`gamma` must be at least 0. Received: gamma=-1.": lambda: w.DTP(gamma=-1),
    "`decay` must be at least 0 and below 1. Received: decay=1.": lambda: w.DTP(decay=1),
    "`eps` must be above 0. Received: eps=0.": lambda: w.GLS(eps=0),
    "`eps` must be above 0. Received: eps=-1.": lambda: w.ScaleInvariant(eps=-1),
    "`mu` must be above 0. Received: mu=0.": lambda: w.STCH(mu=0),
    "`preference` must have one non-negative number per task": lambda: w.STCH(preference=[1, -1]),
    "not all zero": lambda: w.Tchebycheff(preference=[0, 0]),
    "`leak` must be at least 0 and at most 1. Received: leak=2.": lambda: w.GradDrop(leak=2),
    "`trim` must be at least 0. Received: trim=-1.": lambda: w.TrimmedMean(trim=-1),
    "`beta` must be above 0 and at most 1. Received: beta=0.": lambda: w.MoCo(beta=0),
    "`beta` must be at least 0 and below 1. Received: beta=1.": lambda: w.DBMTL(beta=1),
    "`learning_rate` must be above 0. Received: learning_rate=0.": lambda: w.ExcessMTL(learning_rate=0),
    "`relax` must be at least 0 and at most 1. Received: relax=1.1.": lambda: w.MetaBalance(relax=1.1),
    "`preference` must have one entry per task (2)": lambda: w.STCH(preference=[1]).build(2),
    "`reference` must have one entry per task (2)": lambda: w.Tchebycheff(reference=[1]).build(2),
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
