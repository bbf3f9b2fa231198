"""Common code of the stitching units: initial weights, and the check of inputs."""

from keras import ops


def own_row(num_streams, index, own):
    """Returns `own` at a position and equal shares of the rest at the others. [num_streams]"""
    rest = (1.0 - own) / (num_streams - 1)
    return ops.convert_to_tensor([own if i == index else rest for i in range(num_streams)], "float32")


def shown(name, alpha):
    """Returns `{table: {row: {column: value}}}`, as `sharing.inspect` shows it: α by the numbers of the tasks. [T]"""
    return {"alpha": {name: {f"task{i}": value for i, value in enumerate(alpha, start=1)}}}


def check_streams(shapes, index):
    """Raises ValueError unless there are two or more inputs of the same shape, one of them at `index`."""
    shapes = [tuple(shape) for shape in shapes] if isinstance(shapes[0], list | tuple) else [tuple(shapes)]
    if len(shapes) < 2 or len(set(shapes)) > 1 or index >= len(shapes):
        raise ValueError(
            f"The inputs must be two tensors or more of the same shape, with one at the position index={index}. "
            f"Received shapes: {shapes}."
        )
