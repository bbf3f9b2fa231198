"""Towers: recipes of the layers that the tasks share."""

from mtl_keras.towers._base import Tower
from mtl_keras.towers._stage import Stage
from mtl_keras.towers.conv import Conv
from mtl_keras.towers.existing import Existing
from mtl_keras.towers.get import as_tower
from mtl_keras.towers.lenet import LeNet
from mtl_keras.towers.mlp import MLP
from mtl_keras.towers.resnet import ResNet
from mtl_keras.towers.tabular import Tabular

__all__ = ["MLP", "Conv", "Existing", "LeNet", "ResNet", "Stage", "Tabular", "Tower", "as_tower"]
