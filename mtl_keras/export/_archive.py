"""A Keras archive of functions, with only the variables that they need."""

import pathlib
from typing import Any

import keras

from mtl_keras._unlogged import unlogged
from mtl_keras.export._signatures import Signature

PYTHON_ONLY = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def traced(part: keras.Model, functions: dict[str, Signature]) -> keras.export.ExportArchive:
    """Returns the Keras archive of the traced functions, with only the variables that they use."""
    archive = keras.export.ExportArchive()
    archive.track(part)  # for its look-up tables
    used: dict[int, Any] = {}  # {id of a variable: variable}
    for name, signature in functions.items():
        function = archive.add_endpoint(name, signature.call, input_signature=[signature.inputs])
        concrete = function.get_concrete_function()
        graph = concrete.graph.as_graph_def()
        nodes = [*graph.node, *(node for inner in graph.library.function for node in inner.node_def)]
        wrong = [node.name for node in nodes if node.op in PYTHON_ONLY]
        if wrong:
            raise ValueError(
                f"`model` must not call Python. Received: a model whose signature {name!r} calls Python in {wrong}. "
                "Write the layer with `keras.ops`."
            )
        used |= {id(v): v for v in concrete.variables}
    variables = [used.pop(id(v.value)) for v in part.variables if id(v.value) in used]  # in the model's order
    variables += used.values()
    # Replaces the variables that `track` found, which include the seeds of dropout.
    archive.add_variable_collection("trainable_variables", [v for v in variables if v.trainable])
    archive.add_variable_collection("non_trainable_variables", [v for v in variables if not v.trainable])
    archive.add_variable_collection("variables", variables)
    return archive


def write(archive: keras.export.ExportArchive, folder: pathlib.Path) -> None:
    """Writes an archive to a folder that is renamed later, so that TensorFlow must not log its name."""
    with unlogged("Assets written to"):
        archive.write_out(str(folder), verbose=False)
