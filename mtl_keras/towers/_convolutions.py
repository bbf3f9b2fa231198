"""Convolutions of images and texts, and the pooling of images."""

import keras
from keras import layers

from mtl_keras.layers import MaskedConv1D
from mtl_keras.towers._activation import activated
from mtl_keras.towers._regularization import penalty


def conv_relu(x, name, filters, kernel_size, stride=1, batch_norm=False, l1=0.0, l2=0.0):
    """Returns the image after a padded convolution, optional batch norm, and ReLU."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        kernel_regularizer=penalty(l1, l2),
        name=f"{name}_conv",
    )(x)
    return activated(x, name, "relu", batch_norm)


def conv_norm(x, name, filters, kernel_size, stride=1, weight_decay=0.0):
    """Returns the image after a padded convolution and batch norm, as in residual networks."""
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(weight_decay / 2) if weight_decay else None,
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(name=f"{name}_norm")(x)


def pooled(x, name, pooling):
    """Returns the image at half its size; unchanged if a side is 1."""
    if 1 in x.shape[1:3]:
        return x
    pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    return pool(2, name=f"{name}_pool")(x)


def masked_conv(x, name, filters, kernel_size, activation=None, l1=0.0, l2=0.0):
    """Returns the sequence after a convolution that sees no padding."""
    return MaskedConv1D(
        filters,
        kernel_size,
        activation=activation,
        kernel_initializer="he_normal",
        kernel_regularizer=penalty(l1, l2),
        name=f"{name}_conv",
    )(x)
