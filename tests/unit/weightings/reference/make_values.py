"""Writes values.json: directions by torchjd and cvxpy for a few matrices. Needs torchjd[full].

Run by hand, in an environment of its own: `python tests/unit/weightings/reference/make_values.py`.
"""

import json
import pathlib

import cvxpy as cp
import torch
from torchjd import aggregation as tj
from torchjd.linalg import QuadprogProjector

SHAPES = [(2, 3), (2, 5), (3, 6), (3, 6), (5, 9), (8, 20)]


def projector():
    """A solver with next to no regularisation, to compare exact solutions with."""
    return QuadprogProjector(norm_eps=1e-12, reg_eps=1e-9)


EXACT = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-14, "tol_gap_rel": 1e-14, "tol_feas": 1e-14}


def min_norm(jacobian):
    """MGDA by cvxpy: torchjd's solver is only near to the answer."""
    weights = cp.Variable(len(jacobian))
    constraints = [weights >= 0, cp.sum(weights) == 1]
    cp.Problem(cp.Minimize(cp.sum_squares(jacobian.numpy().T @ weights)), constraints).solve(**EXACT)
    return torch.tensor(weights.value) @ jacobian


def best_worst_case(jacobian, c):
    """CAGrad by cvxpy from its definition, for the same reason."""
    mean = jacobian.mean(dim=0).numpy()
    direction = cp.Variable(len(mean))
    constraints = [cp.norm(direction - mean) <= c * cp.norm(mean)]
    cp.Problem(cp.Maximize(cp.min(jacobian.numpy() @ direction)), constraints).solve(**EXACT)
    return torch.tensor(direction.value)


def aggregators(num_tasks, shares):
    """Returns {name of our case: torchjd aggregator} for one matrix."""
    table = {
        "mgda": min_norm,
        "cagrad": lambda jacobian: best_worst_case(jacobian, 0.5),
        "cagrad_c2": lambda jacobian: best_worst_case(jacobian, 2.0),
        "imtl_g": tj.IMTLG(),
        "aligned_mtl": tj.AlignedMTL(),
        "aligned_mtl_median": tj.AlignedMTL(scale_mode="median"),
        "aligned_mtl_rmse_preference": tj.AlignedMTL(pref_vector=shares, scale_mode="rmse"),
        "nash_mtl": tj.NashMTL(n_tasks=num_tasks, max_norm=1.0, optim_niter=200),
        "upgrad": tj.UPGrad(projector=projector()),
        "upgrad_preference": tj.UPGrad(pref_vector=shares, projector=projector()),
        "dualproj": tj.DualProj(projector=projector()),
        "dualproj_preference": tj.DualProj(pref_vector=shares, projector=projector()),
        "fairgrad": tj.FairGrad(alpha=1.0),
        "fairgrad_alpha2": tj.FairGrad(alpha=2.0),
        "con_fig": tj.ConFIG(),
        "con_fig_preference": tj.ConFIG(pref_vector=shares),
        "pcd": tj.PCD(),
        "pcd_progress": tj.PCD(tau=0.5),
    }
    if num_tasks == 2:  # the order that the tasks meet in does not matter
        table |= {"pcgrad": tj.PCGrad(), "gradvac": tj.GradVac()}
    return table


def halves(num_tasks, shares):
    """Returns {name of our case: torchjd weighting of a cross Gramian}."""
    return {
        "modo": tj.MoDoWeighting(),
        "sdmgrad": tj.SDMGradWeighting(lr=0.3),
        "sdmgrad_preference": tj.SDMGradWeighting(lr=0.3, pref_vector=shares),
    }


def main():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    cases = []
    for num_tasks, size in SHAPES:
        jacobians = [
            (torch.randn(num_tasks, size) * (1 + torch.arange(num_tasks))[:, None]).round(decimals=3) for _ in range(2)
        ]
        shares = torch.arange(1.0, num_tasks + 1)
        shares = shares / shares.sum()
        # Two calls on each: the second shows the state of the methods that have one.
        directions = {
            name: [[round(x, 7) for x in aggregator(j).tolist()] for j in jacobians]
            for name, aggregator in aggregators(num_tasks, shares).items()
        }
        cross = jacobians[0] @ jacobians[1].T
        weights = {
            name: [[round(x, 7) for x in weighting(cross).tolist()] for _ in range(2)]
            for name, weighting in halves(num_tasks, shares).items()
        }
        cases.append({"jacobians": [j.tolist() for j in jacobians], "directions": directions, "halves": weights})
    text = json.dumps({"torchjd": "0.18.0", "cases": cases}, separators=(",", ":"))
    pathlib.Path(__file__).with_name("values.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
