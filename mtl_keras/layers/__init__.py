"""Layers that sharing schemes, towers, heads and ensembles add to the graph."""

from mtl_keras.layers.add_positions import AddPositions
from mtl_keras.layers.attention_mask import AttentionMask
from mtl_keras.layers.attention_pooling import AttentionPooling
from mtl_keras.layers.attentive_transfer import AttentiveTransfer
from mtl_keras.layers.beside_positions import BesidePositions
from mtl_keras.layers.branching import Branching
from mtl_keras.layers.calibration import Calibration
from mtl_keras.layers.copy_with_mask import CopyWithMask
from mtl_keras.layers.crf import CRF
from mtl_keras.layers.cross_stitch import CrossStitch
from mtl_keras.layers.decode_boxes import DecodeBoxes
from mtl_keras.layers.decode_crf import DecodeCRF
from mtl_keras.layers.dselect_k_gate import DSelectKGate
from mtl_keras.layers.fill_empty import FillEmpty
from mtl_keras.layers.halve_sequence import HalveSequence
from mtl_keras.layers.hmm import HMM
from mtl_keras.layers.increasing import Increasing
from mtl_keras.layers.large_embedding import LargeEmbedding
from mtl_keras.layers.logit_product import LogitProduct
from mtl_keras.layers.masked_conv1d import MaskedConv1D
from mtl_keras.layers.match_positions import MatchPositions
from mtl_keras.layers.max_over_positions import MaxOverPositions
from mtl_keras.layers.mean_and_deviation import MeanAndDeviation
from mtl_keras.layers.mix_experts import MixExperts
from mtl_keras.layers.pool_predictions import PoolPredictions
from mtl_keras.layers.softmax_gate import SoftmaxGate
from mtl_keras.layers.stack_experts import StackExperts
from mtl_keras.layers.stacked_dense import StackedDense
from mtl_keras.layers.subspace_stitch import SubspaceStitch
from mtl_keras.layers.thresholds import Thresholds

__all__ = [
    "CRF",
    "HMM",
    "AddPositions",
    "AttentionMask",
    "AttentionPooling",
    "AttentiveTransfer",
    "BesidePositions",
    "Branching",
    "Calibration",
    "CopyWithMask",
    "CrossStitch",
    "DSelectKGate",
    "DecodeBoxes",
    "DecodeCRF",
    "FillEmpty",
    "HalveSequence",
    "Increasing",
    "LargeEmbedding",
    "LogitProduct",
    "MaskedConv1D",
    "MatchPositions",
    "MaxOverPositions",
    "MeanAndDeviation",
    "MixExperts",
    "PoolPredictions",
    "SoftmaxGate",
    "StackExperts",
    "StackedDense",
    "SubspaceStitch",
    "Thresholds",
]
