"""The table of weightings that read a Gramian: one line each, which runs the whole contract."""

import dataclasses
from collections.abc import Callable

import numpy as np

from mtl_keras import weightings as w


@dataclasses.dataclass(frozen=True)
class Case:
    """How to make a member, and what it promises."""

    make: Callable
    equivariant: bool = True  # permuted tasks have permuted weights
    non_conflicting: bool = False  # Gw >= 0
    unit: bool = True  # the weight of a single task is 1
    variant: bool = False  # another case has the same graph but for constants


GRAMIAN = {
    "aligned_mtl": Case(w.AlignedMTL),
    "aligned_mtl_median": Case(lambda: w.AlignedMTL(scale="median"), variant=True),
    "cagrad": Case(w.CAGrad, unit=False),
    "cagrad_c2": Case(lambda: w.CAGrad(c=2.0), unit=False, non_conflicting=True, variant=True),
    "con_fig": Case(w.ConFIG),
    "dualproj": Case(w.DualProj, non_conflicting=True),
    "ema": Case(lambda: w.EMA(weighting=w.UPGrad(), decay=0.8)),
    "fairgrad": Case(w.FairGrad, unit=False, non_conflicting=True),
    "fairgrad_alpha3": Case(lambda: w.FairGrad(alpha=3.0), unit=False, non_conflicting=True, variant=True),
    "gradnorm": Case(w.GradNorm),
    "gradvac": Case(lambda: w.GradVac(shuffle=False), equivariant=False),
    "gradvac_shuffled": Case(lambda: w.GradVac(seed=1), equivariant=False, variant=True),
    "imtl": Case(w.IMTL, unit=False),
    "imtl_g": Case(w.IMTLG),
    "krum": Case(w.Krum, equivariant=False),
    "metabalance": Case(w.MetaBalance, equivariant=False),
    "mgda": Case(w.MGDA, non_conflicting=True),
    "mgda_loss_plus": Case(lambda: w.MGDA(normalize="loss+"), variant=True),
    "nash_mtl": Case(w.NashMTL, unit=False, non_conflicting=True),
    "pcd": Case(lambda: w.PCD(primary=1, progress=0.3), equivariant=False),
    "pcgrad": Case(lambda: w.PCGrad(shuffle=False), equivariant=False),
    "pcgrad_shuffled": Case(lambda: w.PCGrad(seed=1), equivariant=False, variant=True),
    "upgrad": Case(w.UPGrad, non_conflicting=True),
}

HALVES = {
    "modo": Case(w.MoDo),
    "sdmgrad": Case(w.SDMGrad),
}

CASES = GRAMIAN | HALVES
SCALES = (1e-10, 1e-3, 1.0, 1e5, 1e15)


def jacobians(num_tasks=3, seed=0):
    """Returns {description: J [num_tasks, 6]}, easy ones and every kind of degenerate one."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=shape)

    plain = normal(num_tasks, 6)
    conflicting = plain.copy()
    conflicting[1] = -2.0 * conflicting[0] + 0.3 * normal(6)
    zero_row = normal(num_tasks, 6)
    zero_row[-1] = 0.0
    equal = normal(num_tasks, 6)
    equal[1] = equal[0]
    opposed = normal(num_tasks, 6)
    opposed[1] = -opposed[0]
    stationary = normal(num_tasks, 6)
    stationary[-1] = -np.arange(1, num_tasks) @ stationary[:-1]
    return {
        "plain": plain,
        "conflicting": conflicting,
        "uneven": plain * np.logspace(-3, 3, num_tasks)[:, None],
        "orthogonal": np.eye(num_tasks, 6) * np.arange(1, num_tasks + 1)[:, None],
        "zeros": np.zeros((num_tasks, 6)),
        "zero row": zero_row,
        "equal rows": equal,
        "opposed rows": opposed,
        "stationary": stationary,
        "rank 1": normal(num_tasks, 1) * normal(1, 6),
        "ill-conditioned": normal(1, 6) + 1e-3 * normal(num_tasks, 6),
    }


def gramian_of(jacobian):
    """Returns the Gramian [T, T] in float32 of rows in float32, as the engine gives it."""
    rows = np.asarray(jacobian, "float32")
    return rows @ rows.T
