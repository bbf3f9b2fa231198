"""Exports a model to OpenVINO."""

import os
import pathlib
from collections.abc import Sequence

import keras

from mtl_keras._extras import need
from mtl_keras.export._files import Refusal, write_model


def openvino(model: keras.Model, path: str | os.PathLike, tasks: Sequence[str] | None = None) -> pathlib.Path:
    """Writes an OpenVINO file (`.xml`, and `.bin` next to it) whose inputs and outputs have the model's names.

    A thin layer over `keras.Model.export(format="openvino")`. A tensor has a set of names; one of them is the name of
    the task. On processors with bfloat16, OpenVINO computes in bfloat16 unless you tell it not to, as below. Before the
    file gets its name, it is opened and run on a row, so that what OpenVINO cannot run is an error.

    Args:
        model: A `mtl_keras.MultiTaskModel`, or any functional `keras.Model` whose outputs are a dict by name.
        path: File, ending in `.xml`. An existing file is replaced.
        tasks: List of the names of the tasks to export; all by default. Layers of other tasks are left out.

    Returns:
        The `pathlib.Path` of the `.xml` file.

    Raises:
        ValueError: If `model` has no named outputs, a task is unknown, `path` has another ending, or the model has
            operations that OpenVINO does not have.
        ImportError: If the extra `openvino` is not installed.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary()), mtl.Task("ink", mtl.heads.Regression())])
    mtl.export.openvino(model, "digits.xml")
    import openvino

    compiled = openvino.Core().compile_model("digits.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    compiled({"inputs": np.zeros((3, 8, 8), "float32")})["odd"].shape  # (3, 1)
    ```
    """

    def write(part, file):
        for module in ("openvino", "scipy"):  # Keras needs both
            need(module, "openvino", "`export.openvino`")
        try:
            part.export(str(file), format="openvino", verbose=False)
        except Exception as error:  # the converter has its own classes of errors
            raise Refusal("OpenVINO", str(error)) from error

    return write_model(model, path, tasks, ".xml", write, "OpenVINO", _open)


def _open(file):
    """Returns a function that runs a file."""
    core = need("openvino", "openvino", "`export.openvino`").Core()
    try:
        compiled = core.compile_model(str(file), "CPU")
    except Exception as error:  # the runtime has its own classes of errors
        raise Refusal("OpenVINO", str(error)) from error

    def run(row):
        known = set().union(*(given.get_names() for given in compiled.inputs))
        answer = compiled({name: x for name, x in row.items() if name in known})
        return {name: answer[output] for output in compiled.outputs for name in output.get_names()}

    return run
