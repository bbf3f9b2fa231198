"""Runs an export with TensorFlow's C library only: the C++ loader of TensorFlow Serving.

    python c_loader.py LIBRARY EXPORT [EXPORT ...]

Next to the folder EXPORT are EXPORT.json, `{signature: {"inputs": {name: tensor}, "outputs": {name: tensor}}}` with
tensors as "operation:index", and EXPORT.inputs.npz. The program writes EXPORT.outputs.npz. Arrays have the names
`signature/name`; strings are arrays of bytes that do not end in a zero. No Python code of TensorFlow or Keras is
imported.

`run` does this in a separate process.
"""

import ctypes
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

TYPES = {1: "float32", 2: "float64", 3: "int32", 4: "uint8", 9: "int64", 10: "bool"}
STRING, STRING_SIZE = 7, 24
DEALLOCATE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


class Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class Loader:
    """A session of the library on an export."""

    def __init__(self, library, folder):
        self.library = ctypes.CDLL(library)
        for name in ("NewStatus", "NewGraph", "NewSessionOptions", "LoadSessionFromSavedModel", "GraphOperationByName"):
            self._function(name).restype = ctypes.c_void_p
        for name in ("AllocateTensor", "TensorData", "StringGetDataPointer"):
            self._function(name).restype = ctypes.c_void_p
        self._function("Message").restype = ctypes.c_char_p
        self._function("Dim").restype = ctypes.c_int64
        self._function("StringGetSize").restype = ctypes.c_size_t
        self.status = ctypes.c_void_p(self._call("NewStatus"))
        self.graph = ctypes.c_void_p(self._call("NewGraph"))
        options = ctypes.c_void_p(self._call("NewSessionOptions"))
        tags = (ctypes.c_char_p * 1)(b"serve")
        self.session = ctypes.c_void_p(
            self._call(
                *("LoadSessionFromSavedModel", options, None, folder.encode(), tags, 1, self.graph, None, self.status)
            )
        )
        self._check()

    def _function(self, name):
        return getattr(self.library, f"TF_{name}")

    def _call(self, name, *arguments):
        return self._function(name)(*arguments)

    def _check(self):
        if self._call("GetCode", self.status):
            raise RuntimeError(self._call("Message", self.status).decode())

    def _output(self, tensor):
        operation, _, index = tensor.rpartition(":")
        return Output(self._call("GraphOperationByName", self.graph, operation.encode()), int(index))

    def run(self, inputs, outputs):
        """Computes tensors, `{name: array}`, from `{tensor: array}` and `{name: tensor}`."""
        names = list(outputs)
        given = (Output * len(inputs))(*(self._output(tensor) for tensor in inputs))
        tensors = (ctypes.c_void_p * len(inputs))(*(self._tensor(array) for array in inputs.values()))
        wanted = (Output * len(names))(*(self._output(outputs[name]) for name in names))
        answers = (ctypes.c_void_p * len(names))()
        self._call(
            *("SessionRun", self.session, None, given, tensors, len(inputs), wanted, answers, len(names)),
            *(None, 0, None, self.status),
        )
        self._check()
        return {name: self._array(ctypes.c_void_p(answer)) for name, answer in zip(names, answers, strict=True)}

    def _tensor(self, array):
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        if array.dtype.kind == "S":
            tensor = self._call("AllocateTensor", STRING, shape, array.ndim, ctypes.c_size_t(array.size * STRING_SIZE))
            data = self._call("TensorData", ctypes.c_void_p(tensor))
            for i, text in enumerate(array.ravel().tolist()):
                place = ctypes.c_void_p(data + i * STRING_SIZE)
                self._call("StringInit", place)
                self._call("StringCopy", place, text, ctypes.c_size_t(len(text)))
            return tensor
        (code,) = [code for code, name in TYPES.items() if array.dtype == name]
        tensor = self._call("AllocateTensor", code, shape, array.ndim, ctypes.c_size_t(array.nbytes))
        ctypes.memmove(
            self._call("TensorData", ctypes.c_void_p(tensor)), np.ascontiguousarray(array).ctypes, array.nbytes
        )
        return tensor

    def _array(self, tensor):
        shape = [self._call("Dim", tensor, i) for i in range(self._call("NumDims", tensor))]
        data, size = self._call("TensorData", tensor), int(np.prod(shape))
        code = self._call("TensorType", tensor)
        if code == STRING:
            places = [ctypes.c_void_p(data + i * STRING_SIZE) for i in range(size)]
            pairs = [(self._call("StringGetDataPointer", p), self._call("StringGetSize", p)) for p in places]
            return np.array([ctypes.string_at(*pair) for pair in pairs]).reshape(shape)
        array = np.empty(shape, TYPES[code])
        ctypes.memmove(array.ctypes, data, array.nbytes)
        return array


def library():
    """Returns the path of TensorFlow's C library, or None if this TensorFlow has none."""
    path = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent / "libtensorflow_cc.so.2"
    return path if path.exists() else None


def run(library, requests):
    """Runs exports in a process that imports no Python code of TensorFlow.

    Args:
        library: Path of TensorFlow's C library.
        requests: `{folder of an export: (names of its tensors, as in sessions.tensors, {signature: {name:
            array}})}`.

    Returns:
        `{folder: {signature: {name: array}}}`.
    """
    for folder, (calls, inputs) in requests.items():
        with open(f"{folder}.json", "w") as file:
            json.dump({signature: calls[signature] for signature in inputs}, file)
        flat = {f"{signature}/{name}": array for signature, x in inputs.items() for name, array in x.items()}
        np.savez(f"{folder}.inputs.npz", **flat)
    command = [sys.executable, __file__, str(library), *map(str, requests)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []  # no module of TensorFlow, Keras or this package was imported
    answers = {}
    for folder, (_, inputs) in requests.items():
        answers[folder] = {signature: {} for signature in inputs}
        with np.load(f"{folder}.outputs.npz") as outputs:
            for key in outputs:
                signature, name = key.split("/")
                answers[folder][signature][name] = outputs[key]
    return answers


def main(library, *folders):
    for folder in folders:
        loader, arrays, results = Loader(library, folder), np.load(f"{folder}.inputs.npz"), {}
        with open(f"{folder}.json") as file:
            calls = json.load(file)
        for signature, tensors in calls.items():
            given = {tensor: arrays[f"{signature}/{name}"] for name, tensor in tensors["inputs"].items()}
            for name, array in loader.run(given, tensors["outputs"]).items():
                results[f"{signature}/{name}"] = array
        np.savez(f"{folder}.outputs.npz", **results)
    print(*(name for name in sys.modules if name.split(".")[0] in ("tensorflow", "keras", "mtl_keras")))


if __name__ == "__main__":
    main(*sys.argv[1:])
