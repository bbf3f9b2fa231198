"""Towers: the layers that the tasks share."""

from mtl_keras.towers._base import Tower
from mtl_keras.towers._stage import Stage
from mtl_keras.towers.alexnet import AlexNet
from mtl_keras.towers.applications import Applications
from mtl_keras.towers.bert import BERT
from mtl_keras.towers.bigru import BiGRU
from mtl_keras.towers.bilstm import BiLSTM
from mtl_keras.towers.cnn_attention import CNNAttention
from mtl_keras.towers.conv import Conv
from mtl_keras.towers.dpcnn import DPCNN
from mtl_keras.towers.existing import Existing
from mtl_keras.towers.get import as_tower
from mtl_keras.towers.googlenet import GoogLeNet
from mtl_keras.towers.lenet import LeNet
from mtl_keras.towers.mlp import MLP
from mtl_keras.towers.resnet import ResNet
from mtl_keras.towers.resnet_imagenet import ResNetImageNet
from mtl_keras.towers.tabular import Tabular
from mtl_keras.towers.text_cnn import TextCNN
from mtl_keras.towers.transformer import Transformer
from mtl_keras.towers.vgg import VGG

__all__ = [
    "BERT",
    "DPCNN",
    "MLP",
    "VGG",
    "AlexNet",
    "Applications",
    "BiGRU",
    "BiLSTM",
    "CNNAttention",
    "Conv",
    "Existing",
    "GoogLeNet",
    "LeNet",
    "ResNet",
    "ResNetImageNet",
    "Stage",
    "Tabular",
    "TextCNN",
    "Tower",
    "Transformer",
    "as_tower",
]
