"""Shifts images at random."""

import tensorflow as tf

from mtl_keras._arguments import count
from mtl_keras._types import Tensor


def random_crop(images: Tensor, seed: Tensor, pad: int = 4) -> tf.Tensor:
    """Pads each image of a batch with zeros and crops it at random to its original size.

    Args:
        images: A batch of images [B, H, W, C], of any dtype.
        seed: An int32 tensor [2]. The same seed gives the same crops.
        pad: Number of pixels added on each side, which is the largest shift. At least 0.

    Returns:
        The images, of the same shape and dtype.

    Raises:
        ValueError: If `pad` is out of range.

    Example:

    ```python
    def augment(images, seed):
        return mtl.data.random_crop(mtl.data.random_flip(images, seed), seed, pad=2)


    images, labels = np.ones((8, 4, 4, 3), "uint8"), {"label": np.arange(8)}
    train = mtl.data.from_arrays(images, labels, augment=augment)
    ```
    """
    pad = count("pad", pad, 0)
    images = tf.convert_to_tensor(images)
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    seed = tf.random.experimental.stateless_fold_in(seed, 2)  # independent of `random_flip`
    corner = tf.random.stateless_uniform([2, batch, 1], seed, maxval=2 * pad + 1, dtype=tf.int32)
    padded = tf.pad(images, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
    cropped = tf.gather(padded, corner[0] + tf.range(height), axis=1, batch_dims=1)
    cropped = tf.gather(cropped, corner[1] + tf.range(width), axis=2, batch_dims=1)
    return tf.ensure_shape(cropped, images.shape)
