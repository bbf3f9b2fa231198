"""Multi-task learning for Keras: one input, a shared tower, named outputs."""

from mtl_keras._version import __version__
