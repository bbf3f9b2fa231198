"""Exports a model to ONNX, for ONNX Runtime."""

import os
import pathlib
import warnings
from collections.abc import Sequence

import keras

from mtl_keras._arguments import count
from mtl_keras._extras import need
from mtl_keras.export._files import Refusal, write_model


def onnx(
    model: keras.Model, path: str | os.PathLike, tasks: Sequence[str] | None = None, opset_version: int | None = None
) -> pathlib.Path:
    """Writes an ONNX file whose inputs and outputs have the model's names, for any batch size.

    A thin layer over `keras.Model.export(format="onnx")`, which converts with tf2onnx. The file is in float32. Before
    the file gets its name, it is opened and run on a row, so that what ONNX Runtime cannot run is an error. ONNX cannot
    look up strings and categories: export a model that takes their ids.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by name.
        path: File, ending in `.onnx`. An existing file is replaced.
        tasks: List of the names of the tasks to export; all by default. Layers of other tasks are left out.
        opset_version: Version of the ONNX operators; None for the default of the converter.

    Returns:
        The `pathlib.Path` of the file.

    Raises:
        ValueError: If `model` has no named outputs, a task is unknown, `path` has another ending, or the model has
            operations that ONNX does not have.
        ImportError: If the extra `onnx` is not installed.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())])
    mtl.export.onnx(model, "digits.onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession("digits.onnx")
    (odd,) = session.run(["odd"], {"inputs": np.zeros((3, 8, 8), "float32")})  # [3, 1]
    ```
    """

    opset_version = None if opset_version is None else count("opset_version", opset_version)

    def write(part, file):
        for module in ("onnx", "onnxruntime"):
            need(module, "onnx", "`export.onnx`")
        with warnings.catch_warnings():
            # tf2onnx 1.17 needs `np.object` when it is imported, which NumPy 2 does not have.
            warnings.filterwarnings("ignore", category=FutureWarning)
            need("tf2onnx", "onnx", "`export.onnx`")
            # Passed explicitly, because Keras finds it only for a model that was called before.
            inputs = [keras.InputSpec(x.dtype, (None, *x.shape[1:]), name=x.name) for x in part.inputs]
            part.export(str(file), format="onnx", verbose=False, input_signature=[inputs], opset_version=opset_version)

    return write_model(model, path, tasks, ".onnx", write, "ONNX Runtime", _open)


def _open(file):
    """Returns a function that runs a file."""
    onnx = need("onnx", "onnx", "`export.onnx`")
    runtime = need("onnxruntime", "onnx", "`export.onnx`")
    graph = onnx.load(str(file), load_external_data=False).graph
    unknown = sorted({node.op_type for node in _nodes(graph) if not onnx.defs.has(node.op_type, node.domain)})
    if unknown:
        raise Refusal("ONNX", f"it has no {', '.join(unknown)}")
    try:
        session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime does not export its classes of errors
        raise Refusal("ONNX Runtime", str(error)) from error
    names = [output.name for output in session.get_outputs()]
    wanted = [given.name for given in session.get_inputs()]
    return lambda row: dict(zip(names, session.run(names, {name: row[name] for name in wanted}), strict=True))


def _nodes(graph):
    """Yields the nodes of a graph and of the graphs inside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)
