"""Task weightings: how T losses become one update of the shared variables."""

from mtl_keras.weightings._base import (
    GradientAggregator,
    GramianWeighting,
    HalvesWeighting,
    LossScalarizer,
    Weighting,
)
from mtl_keras.weightings.aligned_mtl import AlignedMTL
from mtl_keras.weightings.imtl_g import IMTLG
from mtl_keras.weightings.mgda import MGDA
from mtl_keras.weightings.pcgrad import PCGrad

__all__ = [
    "IMTLG",
    "MGDA",
    "AlignedMTL",
    "GradientAggregator",
    "GramianWeighting",
    "HalvesWeighting",
    "LossScalarizer",
    "PCGrad",
    "Weighting",
]
