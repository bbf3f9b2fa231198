"""Layers that sharing schemes leave in the graph."""

from mtl_keras.layers.dselect_k_gate import DSelectKGate
from mtl_keras.layers.mix_experts import MixExperts
from mtl_keras.layers.softmax_gate import SoftmaxGate
from mtl_keras.layers.stack_experts import StackExperts
from mtl_keras.layers.stacked_dense import StackedDense

__all__ = ["DSelectKGate", "MixExperts", "SoftmaxGate", "StackExperts", "StackedDense"]
