"""Shows what the parts of a sharing scheme have learned."""

from collections.abc import Iterator
from typing import Any

import keras

from mtl_keras._arguments import count
from mtl_keras._types import Tensors


def inspect(model: keras.Model, data: Any, batch_size: int = 256) -> dict[str, dict[str, dict[str, float]]]:
    """Returns how the tasks of a model use what they share, as means over data.

    - Schemes with experts: table `"gate"`, the mean weight of each expert in the gate of each task. `ple` has one table
      per level, `"gate_level1"` and so on, with a row `"shared"` for the shared stream. `dselect_k` also has
      `"chosen"`, the share of examples that give the expert any weight.
    - `cross_stitch` and `sluice`: table `"alpha"`, the factors of the tasks, by layer.
    - `mtan`: table `"mask"`, the mean of each mask, by layer.
    - `ltb`: table `"branch"`, the probabilities of the branches, by layer.

    The function reads the graph, so it also works on a loaded model. It uses each layer that has a method
    `inspect(output)`, which returns `{table: {row: {column: number}}}` for the output of a batch.

    Args:
        model: A functional model, built by `build_model` or loaded from a file.
        data: Inputs as arrays, or a dict of arrays by name; or batches `(x, ...)`, such as a `tf.data.Dataset`.
        batch_size: Number of rows at a time, for arrays.

    Returns:
        `{table: {task: {column: number}}}`.

    Raises:
        ValueError: If no layer of the model has anything to show, `data` has no row, or `batch_size` is not a positive
            integer.

    Example:

    ```python
    tasks = [mtl.Task("digit", mtl.heads.Multiclass(10)), mtl.Task("odd", mtl.heads.Binary())]
    model = mtl.build_model((8, 8), tasks, sharing=mtl.sharing.CGC(num_shared_experts=1))
    shown = mtl.sharing.inspect(model, np.random.rand(20, 8, 8))
    shown["gate"]["odd"]  # such as {'shared1': 0.48, 'odd1': 0.52}
    ```
    """
    batch_size = count("batch_size", batch_size)
    layers = {layer.name: layer for layer in model.layers if callable(getattr(layer, "inspect", None))}
    if not layers:
        raise ValueError(
            "`model` must have a layer with something to show, such as a gate. Received a model without one. "
            'Build it with a scheme that has gates, such as `sharing="mmoe"`.'
        )
    probe = keras.Model(model.input, {name: layer.output for name, layer in layers.items()})
    sums: dict[str, Any] = {}
    rows = 0
    for x in _batches(data, batch_size):
        num = keras.tree.flatten(x)[0].shape[0]
        outputs = probe(x, training=False)
        for name, layer in layers.items():
            _add(sums, layer.inspect(outputs[name]), num)
        rows += num
    if not rows:
        raise ValueError("`data` must hold at least one row. Received: none.")
    order = {name: i for i, name in enumerate(model.output_names)}  # tasks first, in their order
    return {
        table: {
            row: {column: value / rows for column, value in sums[table][row].items()}
            for row in sorted(sums[table], key=lambda row: order.get(row, len(order)))
        }
        for table in sums
    }


def _batches(data: Any, batch_size: int) -> Iterator[Tensors]:
    """Yields the inputs of each batch."""
    leaves = keras.tree.flatten(data)
    if all(hasattr(leaf, "shape") for leaf in leaves):
        for start in range(0, len(leaves[0]), batch_size):
            yield keras.tree.map_structure(lambda leaf, start=start: leaf[start : start + batch_size], data)
    else:
        for batch in data:
            yield keras.utils.unpack_x_y_sample_weight(batch)[0]


def _add(sums, tables, num):
    """Adds the values of a batch of `num` rows to the sums."""
    for name, value in tables.items():
        if isinstance(value, dict):
            _add(sums.setdefault(name, {}), value, num)
        else:
            sums[name] = sums.get(name, 0.0) + num * float(value)
