"""An embedding for tables that are too large to copy."""

from typing import Any

import keras
from keras import ops

from mtl_keras._registry import public
from mtl_keras._types import Tensor


@public
class LargeEmbedding(keras.layers.Embedding):
    """An embedding that reads only the rows of its table that a batch looks up.

    `keras.layers.Embedding` copies the whole table in each training step on TensorFlow. With this layer, the time and
    memory of a step do not depend on the number of rows, under any weighting that reads losses or a Gramian, on one
    replica, without XLA. This needs an optimizer that does the same for the table: `keras.optimizers.SGD` without
    momentum. Adam and the others of Keras update all rows in each step. `mtl.optimizers.by_part` gives the heads an
    optimizer of their own.

    The weights are those of `keras.layers.Embedding`. The gradients of a table stay sparse only if it has no
    regularizer.

    Args:
        input_dim: Number of rows of the table.
        output_dim: Length of a row.
        **kwargs: Further arguments of `keras.layers.Embedding`.

    Call arguments:
        inputs: Indices from 0 to `input_dim` - 1, integers of any shape.

    Returns:
        The rows, `[..., output_dim]`.

    Example:

    ```python
    tower = keras.Sequential([mtl.layers.LargeEmbedding(100_000, 16), keras.layers.GlobalAveragePooling1D()])
    tasks = [mtl.Task("click", mtl.heads.Binary()), mtl.Task("price", mtl.heads.Regression())]
    model = mtl.build_model(keras.Input((5,), dtype="int32", name="ids"), tasks, tower=tower)
    model.compile(mtl.optimizers.by_part(model, tower=keras.optimizers.SGD(0.1), heads="adam"), weighting="pcgrad")
    ids = np.arange(40).reshape(8, 5)
    model.fit(ids, {"click": np.ones(8), "price": np.ones(8)}, verbose=0)
    ```
    """

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        return super().add_weight(*args, **{**kwargs, "autocast": False})  # which would cast the whole table

    def call(self, inputs: Tensor) -> Tensor:
        if self.lora_enabled:  # a sum of a table and of what is trained of it
            return super().call(inputs)
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        # `value` is the variable of the backend, of which TensorFlow reads single rows; it reads all of a Keras one.
        return ops.cast(ops.take(self.embeddings.value, inputs, axis=0), self.compute_dtype)
