"""Task weightings: how T losses become one update of the shared variables."""

from mtl_keras.weightings._base import (
    GradientAggregator,
    GramianWeighting,
    HalvesWeighting,
    LossScalarizer,
    Weighting,
)
from mtl_keras.weightings.aligned_mtl import AlignedMTL
from mtl_keras.weightings.cagrad import CAGrad
from mtl_keras.weightings.con_fig import ConFIG
from mtl_keras.weightings.dualproj import DualProj
from mtl_keras.weightings.ema import EMA
from mtl_keras.weightings.fairgrad import FairGrad
from mtl_keras.weightings.gradnorm import GradNorm
from mtl_keras.weightings.gradvac import GradVac
from mtl_keras.weightings.imtl import IMTL
from mtl_keras.weightings.imtl_g import IMTLG
from mtl_keras.weightings.krum import Krum
from mtl_keras.weightings.mgda import MGDA
from mtl_keras.weightings.modo import MoDo
from mtl_keras.weightings.nash_mtl import NashMTL
from mtl_keras.weightings.pcd import PCD
from mtl_keras.weightings.pcgrad import PCGrad
from mtl_keras.weightings.sdmgrad import SDMGrad
from mtl_keras.weightings.upgrad import UPGrad

__all__ = [
    "EMA",
    "IMTL",
    "IMTLG",
    "MGDA",
    "PCD",
    "AlignedMTL",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "FairGrad",
    "GradNorm",
    "GradVac",
    "GradientAggregator",
    "GramianWeighting",
    "HalvesWeighting",
    "Krum",
    "LossScalarizer",
    "MoDo",
    "NashMTL",
    "PCGrad",
    "SDMGrad",
    "UPGrad",
    "Weighting",
]
