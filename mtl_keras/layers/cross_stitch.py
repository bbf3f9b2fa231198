"""The cross-stitch unit of one task."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, flag, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.layers._stitching import check_streams, own_row, shown


@public
class CrossStitch(keras.layers.Layer):
    """Mixes the features of several tasks for one of them: Σ_j α_j · x_j, with trained α.

    Args:
        index: Position of the task whose unit this is among the inputs.
        own: α of the task's own features at the start, in [0, 1]; the others share 1 − own equally.
        per_channel: Whether each channel has its own α.

    Input: list of T tensors of the same shape, [B, ..., C]. Output: [B, ..., C].

    Raises:
        ValueError: If `index` or `own` is out of range, or the inputs are fewer than two or differ in shape.

    Example:

    ```python
    unit = mtl.layers.CrossStitch(index=0, own=0.75)
    unit([np.ones((1, 3)), 5 * np.ones((1, 3))])  # 0.75 · 1 + 0.25 · 5 = 2, three times
    ```

    Reference: I. Misra, A. Shrivastava, A. Gupta, M. Hebert, "Cross-stitch Networks for Multi-task Learning", CVPR
    2016.
    """

    def __init__(self, index: int, own: float = 0.9, per_channel: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.index = count("index", index, 0, hint="It is the position of a task.")
        self.own = number("own", own, at_least=0, at_most=1, hint="Use 1.0 for no mixing at the start.")
        self.per_channel = flag("per_channel", per_channel)

    def build(self, input_shape: list[Shape]) -> None:
        check_streams(input_shape, self.index)
        row = own_row(len(input_shape), self.index, self.own)
        shape = (len(input_shape), input_shape[0][-1] if self.per_channel else 1)
        self.alpha = self.add_weight(
            name="alpha",
            shape=shape,
            initializer=lambda shape, dtype=None: ops.cast(ops.tile(ops.expand_dims(row, 1), (1, shape[1])), dtype),
        )

    def call(self, inputs: list[Tensor]) -> Tensor:
        return sum(self.alpha[i] * x for i, x in enumerate(inputs))

    def inspect(self, output: Tensor) -> dict[str, Any]:
        """Returns what `sharing.inspect` shows: α of each task, the mean over the channels."""
        return shown(self.name, ops.mean(self.alpha, axis=1))

    def compute_mask(self, inputs: list[Tensor], previous_mask: list[Tensor | None] | None) -> Tensor | None:
        return previous_mask[0] if previous_mask else None

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "index": self.index, "own": self.own, "per_channel": self.per_channel}
