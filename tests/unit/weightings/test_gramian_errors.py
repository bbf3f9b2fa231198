"""Arguments out of range are refused at construction, lengths at build, with the way out in the message."""

import pytest

from mtl_keras import weightings as w

REFUSED = [
    (w.MGDA, {"normalize": "l3"}, "`normalize` must be one of"),
    (w.AlignedMTL, {"scale": "max"}, "`scale` must be one of"),
    (w.CAGrad, {"c": -0.1}, "`c` must be a finite number of at least 0"),
    (w.NashMTL, {"max_norm": 0.0}, "`max_norm` must be a finite number above 0"),
    (w.FairGrad, {"alpha": 0.0}, "`alpha` must be a finite number above 0"),
    (w.GradVac, {"beta": 1.5}, "`beta` must be a finite number of at least 0"),
    (w.GradNorm, {"alpha": -1.0}, "`alpha` must be a finite number of at least 0"),
    (w.GradNorm, {"learning_rate": 0.0}, "`learning_rate` must be a finite number above 0"),
    (w.Krum, {"n_byzantine": -1}, "`n_byzantine` must be an integer of at least 0"),
    (w.Krum, {"n_selected": 0}, "`n_selected` must be an integer of at least 1"),
    (w.PCD, {"progress": 2.0}, "`progress` must be a finite number of at least 0"),
    (w.PCD, {"decay": 1.0}, "`decay` must be a finite number of at least 0"),
    (w.PCD, {"eps": -1.0}, "`eps` must be a finite number of at least 0"),
    (w.IMTL, {"learning_rate": -1.0}, "`learning_rate` must be a finite number above 0"),
    (w.EMA, {"decay": 1.0}, "`decay` must be a finite number of at least 0"),
    (w.EMA, {"weighting": "modo"}, "`weighting` must read the Gramian"),
    (w.MoDo, {"learning_rate": 0.0}, "`learning_rate` must be a finite number above 0"),
    (w.MoDo, {"rho": -1.0}, "`rho` must be a finite number of at least 0"),
    (w.SDMGrad, {"pull": -1.0}, "`pull` must be a finite number of at least 0"),
    (w.SDMGrad, {"learning_rate": 0.0}, "`learning_rate` must be a finite number above 0"),
    (w.SDMGrad, {"momentum": 1.0}, "`momentum` must be a finite number of at least 0"),
    (w.SDMGrad, {"steps": 0}, "`steps` must be an integer of at least 1"),
]
WITH_PREFERENCE = [w.AlignedMTL, w.ConFIG, w.DualProj, w.SDMGrad, w.UPGrad]


@pytest.mark.parametrize(("cls", "arguments", "message"), REFUSED)
def test_refused_arguments(cls, arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        cls(**arguments)
    assert "Received: " in str(error.value)
    assert "Use " in str(error.value)


@pytest.mark.parametrize("cls", WITH_PREFERENCE)
@pytest.mark.parametrize("preference", [[], [0.0, 0.0], [1.0, -1.0]])
def test_refused_preferences(cls, preference):
    with pytest.raises(ValueError, match="`preference` must be a list of non-negative numbers, one per task"):
        cls(preference=preference)


@pytest.mark.parametrize("cls", WITH_PREFERENCE)
def test_a_preference_of_the_wrong_length(cls):
    with pytest.raises(ValueError, match=r"`preference` must be a list with one number per task \(3\)"):
        cls(preference=[1.0, 2.0]).build(3)


def test_refused_numbers_of_tasks():
    with pytest.raises(ValueError, match="needs at least n_byzantine \\+ 3"):
        w.Krum(n_byzantine=1).build(3)
    with pytest.raises(
        ValueError, match=r"`primary` must be an integer from 0 to 1\. Received: primary=2\. Use primary=0"
    ):
        w.PCD(primary=2).build(2)
