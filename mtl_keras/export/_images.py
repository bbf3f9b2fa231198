"""Decodes images to the size of a model's input."""

import tensorflow as tf

from mtl_keras._types import Tensor


def decode_image(encoded: Tensor, shape: tf.TensorShape) -> Tensor:
    """Returns an image, floats from 0 to 255, from the bytes of a PNG, JPEG, GIF or BMP.

    Args:
        encoded: Scalar string tensor.
        shape: `tf.TensorShape` of the result, [H, W] or [H, W, C]; the image is resized, bilinearly.
    """
    height, width, *channels = shape
    image = tf.io.decode_image(encoded, channels=channels[0] if channels else 1, expand_animations=False)
    image = tf.image.resize(tf.ensure_shape(image, (None, None, (*channels, 1)[0])), (height, width))
    return tf.reshape(image, shape)


def is_image(spec: tf.TensorSpec) -> bool:
    """Returns whether a `tf.TensorSpec` is that of a batch of images, [B, H, W] or [B, H, W, C]."""
    shape = spec.shape
    sized = spec.dtype != tf.string and shape[1:].is_fully_defined()
    return sized and (len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4)))


def to_pixels(images: Tensor, dtype: tf.DType) -> Tensor:
    """Returns decoded images in the dtype of a model's input: rounded if it is an integer type."""
    return tf.saturate_cast(tf.round(tf.cast(images, "float32")) if dtype.is_integer else images, dtype)
