"""Sharing schemes: how the tasks share a tower."""

from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing.aitm import AITM
from mtl_keras.sharing.cascade import Cascade
from mtl_keras.sharing.cgc import CGC
from mtl_keras.sharing.cross_stitch import CrossStitch
from mtl_keras.sharing.dselect_k import DSelectK
from mtl_keras.sharing.esmm import ESMM
from mtl_keras.sharing.hard import Hard
from mtl_keras.sharing.inspect import inspect
from mtl_keras.sharing.ltb import LTB
from mtl_keras.sharing.mmoe import MMoE
from mtl_keras.sharing.mtan import MTAN
from mtl_keras.sharing.nddr import NDDR
from mtl_keras.sharing.omoe import OMoE
from mtl_keras.sharing.ple import PLE
from mtl_keras.sharing.prune import prune
from mtl_keras.sharing.single_task import SingleTask
from mtl_keras.sharing.sluice import Sluice
from mtl_keras.sharing.soft import Soft

__all__ = [
    "AITM",
    "CGC",
    "ESMM",
    "LTB",
    "MTAN",
    "NDDR",
    "PLE",
    "Cascade",
    "CrossStitch",
    "DSelectK",
    "Hard",
    "MMoE",
    "OMoE",
    "Sharing",
    "SingleTask",
    "Sluice",
    "Soft",
    "inspect",
    "prune",
]
