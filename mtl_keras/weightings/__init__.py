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
from mtl_keras.weightings.fairgrad import FairGrad
from mtl_keras.weightings.imtl_g import IMTLG
from mtl_keras.weightings.mgda import MGDA
from mtl_keras.weightings.nash_mtl import NashMTL
from mtl_keras.weightings.pcgrad import PCGrad
from mtl_keras.weightings.upgrad import UPGrad

__all__ = [
    "IMTLG",
    "MGDA",
    "AlignedMTL",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "FairGrad",
    "GradientAggregator",
    "GramianWeighting",
    "HalvesWeighting",
    "LossScalarizer",
    "NashMTL",
    "PCGrad",
    "UPGrad",
    "Weighting",
]
