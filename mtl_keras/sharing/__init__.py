"""Sharing schemes: how the tasks share a tower."""

from mtl_keras.sharing._base import Sharing
from mtl_keras.sharing.cgc import CGC
from mtl_keras.sharing.dselect_k import DSelectK
from mtl_keras.sharing.hard import Hard
from mtl_keras.sharing.inspect import inspect
from mtl_keras.sharing.mmoe import MMoE
from mtl_keras.sharing.omoe import OMoE
from mtl_keras.sharing.ple import PLE
from mtl_keras.sharing.single_task import SingleTask
from mtl_keras.sharing.soft import Soft

__all__ = ["CGC", "PLE", "DSelectK", "Hard", "MMoE", "OMoE", "Sharing", "SingleTask", "Soft", "inspect"]
