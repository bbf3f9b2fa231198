"""Numbers that others worked out: papers, TorchJD's tests, TorchJD and cvxpy (see reference/)."""

import json
import pathlib

import numpy as np
import pytest

from mtl_keras import weightings as w
from tests.unit.weightings._gramian_cases import gramian_of

J = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])

WEIGHTS = [  # TorchJD tests/unit/aggregation/test_values.py, four digits; upgrad with a ridge of 1e-4
    (w.MGDA(), [0.6, 0.4], 1e-4),
    (w.UPGrad(), [1.1109, 0.7894], 4e-4),
    (w.PCGrad(), [2.2222, 1.5789], 1e-4),
    (w.CAGrad(c=0.5), [0.7041, 0.5], 1e-4),
]
DIRECTIONS = [  # from the same file; dualproj there with a ridge of 1e-4
    (w.DualProj(), [0.5563, 1.1109, 1.1109], 1e-3),
    (w.IMTLG(), [0.0767, 1.0, 1.0], 1e-4),
    (w.AlignedMTL(), [0.2133, 0.9673, 0.9673], 1e-4),
    (w.NashMTL(max_norm=1.0), [0.0542, 0.7061, 0.7061], 1e-4),
    (w.ConFIG(), [0.1588, 2.0706, 2.0706], 1e-4),
]

# Exact fractions for J, by hand: gᵢ plus its multiple of the other gradient that removes the conflict.
EXACT = [
    (w.MGDA(), [3 / 5, 2 / 5]),
    (w.UPGrad(), [(1 + 22 / 18) / 2, (1 + 22 / 38) / 2]),
    (w.PCGrad(), [1 + 22 / 18, 1 + 22 / 38]),
    (w.DualProj(), [0.5 * 22 / 18, 0.5]),
    (w.GradVac(), [1 + 22 / 18, 1 + 22 / 38]),
]

REFERENCE = json.loads((pathlib.Path(__file__).parent / "reference" / "values.json").read_text())["cases"]


def shares(num_tasks):
    return np.arange(1.0, num_tasks + 1)


MAKE = {
    "aligned_mtl": lambda t: w.AlignedMTL(),
    "aligned_mtl_median": lambda t: w.AlignedMTL(scale="median"),
    "aligned_mtl_rmse_preference": lambda t: w.AlignedMTL(scale="rmse", preference=shares(t)),
    "cagrad": lambda t: w.CAGrad(c=0.5),
    "cagrad_c2": lambda t: w.CAGrad(c=2.0),
    "con_fig": lambda t: w.ConFIG(),
    "con_fig_preference": lambda t: w.ConFIG(preference=shares(t)),
    "dualproj": lambda t: w.DualProj(),
    "dualproj_preference": lambda t: w.DualProj(preference=shares(t)),
    "fairgrad": lambda t: w.FairGrad(alpha=1.0),
    "fairgrad_alpha2": lambda t: w.FairGrad(alpha=2.0),
    "gradvac": lambda t: w.GradVac(),
    "imtl_g": lambda t: w.IMTLG(),
    "mgda": lambda t: w.MGDA(),
    "modo": lambda t: w.MoDo(),
    "nash_mtl": lambda t: w.NashMTL(),
    "pcd": lambda t: w.PCD(),
    "pcd_progress": lambda t: w.PCD(progress=0.5),
    "pcgrad": lambda t: w.PCGrad(),
    "sdmgrad": lambda t: w.SDMGrad(learning_rate=0.3),
    "sdmgrad_preference": lambda t: w.SDMGrad(learning_rate=0.3, preference=shares(t)),
    "upgrad": lambda t: w.UPGrad(),
    "upgrad_preference": lambda t: w.UPGrad(preference=shares(t)),
}


def weights_of(weighting, gramian):
    if not weighting.built or weighting.num_tasks is None:
        weighting.build(len(gramian))
    ones = np.ones(len(gramian), "float32")
    return np.array(weighting(gramian, ones, ones))


def ids(rows):
    return [row[0].name for row in rows]


@pytest.mark.parametrize(("weighting", "expected", "atol"), WEIGHTS, ids=ids(WEIGHTS))
def test_published_weights(weighting, expected, atol):
    np.testing.assert_allclose(weights_of(weighting, gramian_of(J)), expected, atol=atol)


@pytest.mark.parametrize(("weighting", "expected", "atol"), DIRECTIONS, ids=ids(DIRECTIONS))
def test_published_directions(weighting, expected, atol):
    np.testing.assert_allclose(weights_of(weighting, gramian_of(J)) @ J, expected, atol=atol)


@pytest.mark.parametrize(("weighting", "expected"), EXACT, ids=ids(EXACT))
def test_exact_fractions(weighting, expected):
    np.testing.assert_allclose(weights_of(weighting, gramian_of(J)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", sorted({n for case in REFERENCE for n in case["directions"]}))
def test_reference_directions(name):
    for case in REFERENCE:
        if name not in case["directions"]:
            continue
        weighting = MAKE[name](len(case["jacobians"][0]))
        for jacobian, expected in zip(case["jacobians"], case["directions"][name], strict=True):
            direction = weights_of(weighting, gramian_of(jacobian)) @ np.array(jacobian)
            size = np.abs(expected).max()
            np.testing.assert_allclose(direction, expected, atol=2e-5 * size, err_msg=str(len(jacobian)))


@pytest.mark.parametrize("name", sorted(REFERENCE[0]["halves"]))
def test_reference_halves(name):
    for case in REFERENCE:
        first, second = np.array(case["jacobians"], "float32")
        weighting = MAKE[name](len(first))
        for expected in case["halves"][name]:
            np.testing.assert_allclose(weights_of(weighting, first @ second.T), expected, atol=2e-5)
