"""The sluice unit of one task."""

from typing import Any

import keras
from keras import ops

from mtl_keras._arguments import count, number
from mtl_keras._registry import public
from mtl_keras._types import Shape, Tensor
from mtl_keras.layers._stitching import check_streams, own_row, shown


@public
class SubspaceStitch(keras.layers.Layer):
    """Mixes the subspaces of the features of several tasks for one of them, with trained α.

    The channels of each task are split into S subspaces of equal width, G_j1, ..., G_jS. Output subspace s is
    Σ_j Σ_r α_sjr · G_jr, and the output joins the subspaces. The layer adds to the loss
    orthogonality · Σ_{r<s} ‖G_rᵀ·G_s / N‖² (Frobenius) for the task's own features, N the number of rows and positions.

    Args:
        index: Position of the task whose unit this is among the inputs.
        own: α of the same subspace of the task itself at the start, in [0, 1]; all others share 1 − own equally.
        num_subspaces: S, at least 1; divides the number of channels.
        orthogonality: Weight of the penalty, at least 0.

    Input: list of T tensors of the same shape, [B, ..., C]. Output: [B, ..., C].

    Raises:
        ValueError: If an argument is out of range, the inputs are fewer than two or differ in shape, or C is no
            multiple of S.

    Example:

    ```python
    unit = mtl.layers.SubspaceStitch(index=0, own=0.7)
    unit([np.ones((1, 4)), 3 * np.ones((1, 4))])  # 0.7 · 1 + 0.1 · (1 + 3 + 3) = 1.4, four times
    ```

    Reference: S. Ruder, J. Bingel, I. Augenstein, A. Søgaard, "Latent Multi-task Architecture Learning", AAAI 2019.
    Departure: the products of the penalty are means over N, so that it does not grow with the batch.
    """

    def __init__(self, index: int, own: float = 0.9, num_subspaces: int = 2, orthogonality: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.index = count("index", index, 0, hint="It is the position of a task.")
        self.own = number("own", own, at_least=0, at_most=1, hint="Use 1.0 for no mixing at the start.")
        self.num_subspaces = count("num_subspaces", num_subspaces)
        self.orthogonality = number("orthogonality", orthogonality, at_least=0)

    def build(self, input_shape: list[Shape]) -> None:
        check_streams(input_shape, self.index)
        num, channels = self.num_subspaces, input_shape[0][-1]
        if channels % num:
            raise ValueError(
                f"`num_subspaces` must divide the number of channels. Received: num_subspaces={num} for {channels} "
                "channels."
            )
        size = len(input_shape) * num
        rows = [own_row(size, self.index * num + s, self.own) for s in range(num)]  # [S, T·S]
        self.alpha = self.add_weight(
            name="alpha", shape=(num, size), initializer=lambda shape, dtype=None: ops.cast(ops.stack(rows), dtype)
        )

    def call(self, inputs: list[Tensor]) -> Tensor:
        parts = [part for x in inputs for part in ops.split(x, self.num_subspaces, axis=-1)]
        if self.orthogonality:
            self.add_loss(self.orthogonality * self._overlap(inputs[self.index]))
        mixed = [sum(self.alpha[s, i] * part for i, part in enumerate(parts)) for s in range(self.num_subspaces)]
        return ops.concatenate(mixed, axis=-1)

    def _overlap(self, x):
        """Returns Σ_{r<s} ‖G_rᵀ·G_s / N‖² of the subspaces of x."""
        x = ops.cast(ops.reshape(x, (-1, x.shape[-1])), "float32")  # [N, C]
        parts = ops.split(x, self.num_subspaces, axis=-1)
        rows = ops.cast(ops.shape(x)[0], "float32")
        return sum(
            ops.sum(ops.square(ops.matmul(ops.transpose(a), b) / rows))
            for i, a in enumerate(parts)
            for b in parts[i + 1 :]
        )

    def inspect(self, output: Tensor) -> dict[str, Any]:
        """Returns what `sharing.inspect` shows: α of each task, summed over its subspaces, as a mean."""
        parts = ops.reshape(self.alpha, (self.num_subspaces, -1, self.num_subspaces))  # [S, T, S]
        return shown(self.name, ops.mean(ops.sum(parts, axis=2), axis=0))

    def compute_mask(self, inputs: list[Tensor], previous_mask: list[Tensor | None] | None) -> Tensor | None:
        return previous_mask[0] if previous_mask else None

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        config = {"index": self.index, "own": self.own}
        return {
            **super().get_config(),
            **config,
            "num_subspaces": self.num_subspaces,
            "orthogonality": self.orthogonality,
        }
