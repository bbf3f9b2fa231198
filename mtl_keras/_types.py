"""Type aliases for the signatures of the package."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any  # what `keras.ops` accepts: a tensor of the backend, a Keras tensor or variable, a NumPy array
Tensors: TypeAlias = Any  # a tensor, or a dict of them by input name
Shape: TypeAlias = tuple[int | None, ...]  # of a tensor, with None for a size that varies
