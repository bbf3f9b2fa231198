"""Flips images left to right at random."""

import tensorflow as tf

from mtl_keras._types import Tensor


def random_flip(images: Tensor, seed: Tensor) -> tf.Tensor:
    """Flips each image of a batch left to right with probability 1/2.

    Args:
        images: A batch of images [B, H, W, C], of any dtype.
        seed: An int32 tensor [2]. The same seed flips the same images.

    Returns:
        The images, of the same shape and dtype.

    Example:

    ```python
    images, labels = np.ones((8, 4, 4, 3), "uint8"), {"label": np.arange(8)}
    train = mtl.data.from_arrays(images, labels, augment=mtl.data.random_flip)
    ```
    """
    images = tf.convert_to_tensor(images)
    seed = tf.random.experimental.stateless_fold_in(seed, 1)  # independent of `random_crop`
    flipped = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], seed) < 0.5
    return tf.where(flipped, tf.reverse(images, axis=[2]), images)
