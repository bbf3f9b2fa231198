"""Export of trained models."""

from mtl_keras.export.check import check
from mtl_keras.export.litert import litert
from mtl_keras.export.load import load
from mtl_keras.export.onnx import onnx
from mtl_keras.export.openvino import openvino
from mtl_keras.export.request import request
from mtl_keras.export.saved_model import saved_model
from mtl_keras.export.serve import serve
from mtl_keras.export.serving_config import serving_config

__all__ = ["check", "litert", "load", "onnx", "openvino", "request", "saved_model", "serve", "serving_config"]
