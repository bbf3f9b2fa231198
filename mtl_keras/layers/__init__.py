"""Layers that sharing schemes and heads leave in the graph."""

from mtl_keras.layers.attention_mask import AttentionMask
from mtl_keras.layers.attentive_transfer import AttentiveTransfer
from mtl_keras.layers.branching import Branching
from mtl_keras.layers.calibration import Calibration
from mtl_keras.layers.crf import CRF
from mtl_keras.layers.cross_stitch import CrossStitch
from mtl_keras.layers.decode_boxes import DecodeBoxes
from mtl_keras.layers.decode_crf import DecodeCRF
from mtl_keras.layers.dselect_k_gate import DSelectKGate
from mtl_keras.layers.hmm import HMM
from mtl_keras.layers.increasing import Increasing
from mtl_keras.layers.logit_product import LogitProduct
from mtl_keras.layers.match_positions import MatchPositions
from mtl_keras.layers.mean_and_deviation import MeanAndDeviation
from mtl_keras.layers.mix_experts import MixExperts
from mtl_keras.layers.softmax_gate import SoftmaxGate
from mtl_keras.layers.stack_experts import StackExperts
from mtl_keras.layers.stacked_dense import StackedDense
from mtl_keras.layers.subspace_stitch import SubspaceStitch
from mtl_keras.layers.thresholds import Thresholds

__all__ = [
    "CRF",
    "HMM",
    "AttentionMask",
    "AttentiveTransfer",
    "Branching",
    "Calibration",
    "CrossStitch",
    "DSelectKGate",
    "DecodeBoxes",
    "DecodeCRF",
    "Increasing",
    "LogitProduct",
    "MatchPositions",
    "MeanAndDeviation",
    "MixExperts",
    "SoftmaxGate",
    "StackExperts",
    "StackedDense",
    "SubspaceStitch",
    "Thresholds",
]
