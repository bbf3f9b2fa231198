"""Batches and splits: arrays, data frames, files, TensorFlow Datasets, MultiMNIST, missing labels, augmentation."""

from mtl_keras.data.annealed import Annealed
from mtl_keras.data.encode_boxes import encode_boxes
from mtl_keras.data.from_arrays import from_arrays
from mtl_keras.data.from_csv import from_csv
from mtl_keras.data.from_huggingface import from_huggingface
from mtl_keras.data.from_parquet import from_parquet
from mtl_keras.data.from_records import from_records
from mtl_keras.data.hold_out import hold_out
from mtl_keras.data.k_fold import k_fold
from mtl_keras.data.mask_missing import mask_missing
from mtl_keras.data.mix import mix
from mtl_keras.data.multi_mnist import multi_mnist
from mtl_keras.data.random_crop import random_crop
from mtl_keras.data.random_flip import random_flip
from mtl_keras.data.take import take
from mtl_keras.data.temperature import Temperature
from mtl_keras.data.tfds import tfds
from mtl_keras.data.write_records import write_records

__all__ = [
    "Annealed",
    "Temperature",
    "encode_boxes",
    "from_arrays",
    "from_csv",
    "from_huggingface",
    "from_parquet",
    "from_records",
    "hold_out",
    "k_fold",
    "mask_missing",
    "mix",
    "multi_mnist",
    "random_crop",
    "random_flip",
    "take",
    "tfds",
    "write_records",
]
