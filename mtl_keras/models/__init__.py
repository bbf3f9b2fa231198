"""The model and how it is built."""

from mtl_keras.models.build import build_model
from mtl_keras.models.multi_task_model import MultiTaskModel

__all__ = ["MultiTaskModel", "build_model"]
