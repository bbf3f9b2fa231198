"""Weightings: how the losses of the tasks become one update."""

from mtl_keras.weightings._base import GradientAggregator, GramianWeighting, HalvesWeighting, LossScalarizer, Weighting
from mtl_keras.weightings.aligned_mtl import AlignedMTL
from mtl_keras.weightings.cagrad import CAGrad
from mtl_keras.weightings.con_fig import ConFIG
from mtl_keras.weightings.db_mtl import DBMTL
from mtl_keras.weightings.dtp import DTP
from mtl_keras.weightings.dualproj import DualProj
from mtl_keras.weightings.dwa import DWA
from mtl_keras.weightings.ema import EMA
from mtl_keras.weightings.equal import Equal
from mtl_keras.weightings.excess_mtl import ExcessMTL
from mtl_keras.weightings.fairgrad import FairGrad
from mtl_keras.weightings.famo import FAMO
from mtl_keras.weightings.gls import GLS
from mtl_keras.weightings.graddrop import GradDrop
from mtl_keras.weightings.gradnorm import GradNorm
from mtl_keras.weightings.gradvac import GradVac
from mtl_keras.weightings.imtl import IMTL
from mtl_keras.weightings.imtl_g import IMTLG
from mtl_keras.weightings.imtl_l import IMTLL
from mtl_keras.weightings.krum import Krum
from mtl_keras.weightings.metabalance import MetaBalance
from mtl_keras.weightings.mgda import MGDA
from mtl_keras.weightings.moco import MoCo
from mtl_keras.weightings.modo import MoDo
from mtl_keras.weightings.nash_mtl import NashMTL
from mtl_keras.weightings.pcd import PCD
from mtl_keras.weightings.pcgrad import PCGrad
from mtl_keras.weightings.rlw import RLW
from mtl_keras.weightings.scale_invariant import ScaleInvariant
from mtl_keras.weightings.schedule import Schedule
from mtl_keras.weightings.sdmgrad import SDMGrad
from mtl_keras.weightings.stch import STCH
from mtl_keras.weightings.tchebycheff import Tchebycheff
from mtl_keras.weightings.trimmed_mean import TrimmedMean
from mtl_keras.weightings.uncertainty import Uncertainty
from mtl_keras.weightings.upgrad import UPGrad

__all__ = [
    "DBMTL",
    "DTP",
    "DWA",
    "EMA",
    "FAMO",
    "GLS",
    "IMTL",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "PCD",
    "RLW",
    "STCH",
    "AlignedMTL",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "Equal",
    "ExcessMTL",
    "FairGrad",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GradientAggregator",
    "GramianWeighting",
    "HalvesWeighting",
    "Krum",
    "LossScalarizer",
    "MetaBalance",
    "MoCo",
    "MoDo",
    "NashMTL",
    "PCGrad",
    "SDMGrad",
    "ScaleInvariant",
    "Schedule",
    "Tchebycheff",
    "TrimmedMean",
    "UPGrad",
    "Uncertainty",
    "Weighting",
]
