"""Names for what the signatures of the package take and return."""

from typing import Any, TypeAlias

Tensor: TypeAlias = Any  # what keras.ops take: a tensor of the backend, a Keras tensor or variable, a NumPy array
Tensors: TypeAlias = Any  # a tensor, or a dict of them by input name
Shape: TypeAlias = tuple[int | None, ...]  # of a tensor, with None for a size that varies
