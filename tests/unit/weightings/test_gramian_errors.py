"""Arguments out of range are refused at construction, lengths at build, with the way out in the message."""

import pytest

from mtl_keras import weightings as w

REFUSED = [
    (w.MGDA, {"normalize": "l3"}, "`normalize` must be one of"),
    (w.AlignedMTL, {"scale": "max"}, "`scale` must be one of"),
    (w.CAGrad, {"c": -0.1}, "`c` must be at least 0"),
    (w.NashMTL, {"max_norm": 0.0}, "`max_norm` must be positive"),
    (w.FairGrad, {"alpha": 0.0}, "`alpha` must be positive"),
    (w.GradVac, {"beta": 1.5}, "`beta` must be in"),
    (w.GradNorm, {"alpha": -1.0}, "`alpha` must be at least 0"),
    (w.GradNorm, {"learning_rate": 0.0}, "`learning_rate` must be positive"),
    (w.Krum, {"n_byzantine": -1}, "`n_byzantine` must be at least 0"),
    (w.Krum, {"n_selected": 0}, "`n_selected` must be at least 1"),
    (w.PCD, {"progress": 2.0}, "`progress` must be in"),
    (w.PCD, {"decay": 1.0}, "`decay` must be in"),
    (w.PCD, {"eps": -1.0}, "`eps` must be at least 0"),
    (w.IMTL, {"learning_rate": -1.0}, "`learning_rate` must be positive"),
    (w.EMA, {"decay": 1.0}, "`decay` must be in"),
    (w.EMA, {"weighting": "modo"}, "`weighting` must read the Gramian"),
    (w.MoDo, {"learning_rate": 0.0}, "`learning_rate` must be positive"),
    (w.MoDo, {"rho": -1.0}, "`rho` must be at least 0"),
    (w.SDMGrad, {"pull": -1.0}, "`pull` must be at least 0"),
    (w.SDMGrad, {"learning_rate": 0.0}, "`learning_rate` must be positive"),
    (w.SDMGrad, {"momentum": 1.0}, "`momentum` must be in"),
    (w.SDMGrad, {"steps": 0}, "`steps` must be at least 1"),
]
WITH_PREFERENCE = [w.AlignedMTL, w.ConFIG, w.DualProj, w.SDMGrad, w.UPGrad]


@pytest.mark.parametrize(("cls", "arguments", "message"), REFUSED)
def test_refused_arguments(cls, arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        cls(**arguments)
    assert "Received: " in str(error.value)
    assert "Use " in str(error.value)


@pytest.mark.parametrize("cls", WITH_PREFERENCE)
@pytest.mark.parametrize("preference", [[], [0.0, 0.0], [1.0, -1.0], [1.0, float("nan")]])
def test_refused_preferences(cls, preference):
    with pytest.raises(ValueError, match="`preference` must have one non-negative number per task"):
        cls(preference=preference)


@pytest.mark.parametrize("cls", WITH_PREFERENCE)
def test_a_preference_of_the_wrong_length(cls):
    with pytest.raises(ValueError, match=r"`preference` must have one entry per task \(3\)"):
        cls(preference=[1.0, 2.0]).build(3)


def test_refused_numbers_of_tasks():
    with pytest.raises(ValueError, match="needs at least n_byzantine \\+ 3"):
        w.Krum(n_byzantine=1).build(3)
    with pytest.raises(ValueError, match="`primary` must be the position"):
        w.PCD(primary=2).build(2)
