"""Every public object has an example in its docstring, and the example runs."""

import importlib
import inspect
import pkgutil
import re
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtl_keras as mtl
from tests.helpers.marks import fast_only

ABSTRACT = {  # what users derive from: its docstring says how, and a member shows it
    "heads.Head",
    "sharing.Sharing",
    "towers.Tower",
    "weightings.GradientAggregator",
    "weightings.GramianWeighting",
    "weightings.HalvesWeighting",
    "weightings.LossScalarizer",
    "weightings.Weighting",
}
INTERNAL = {"engine", "linalg", "models"}  # of no interest to a user; models are in mtl_keras.__all__
NEEDS_NEW_KERAS = {"optimizers.by_part": hasattr(keras.optimizers, "MultiOptimizer")}
NEEDS_PACKAGE = {"export.litert": "ai_edge_litert", "export.onnx": "onnxruntime", "export.openvino": "openvino"}
NEEDS_PACKAGE |= {"export.serve": "tensorflow_serving", "export.request": "tensorflow_serving"}
NEEDS_PACKAGE |= {"data.from_huggingface": "datasets", "data.from_csv": "pyarrow", "data.from_parquet": "pyarrow"}
NEEDS_PACKAGE["towers.BERT"] = "keras_hub"
LONG = {  # seconds of training
    *("ensembles.bag", "ensembles.boost", "ensembles.snapshot", "ensembles.stack", "relatedness.transfer"),
    *("study.Comparison", "study.SearchResult", "study.compare", "study.load", "study.search"),
}
NEEDS_DATA_FROM_DISK = {"data.tfds"}  # its example reads a prepared data set: it must compile


def _public():
    """Returns `{"family.Name": object}`."""
    objects = {name: getattr(mtl, name) for name in mtl.__all__}
    objects["optimizers.by_part"] = mtl.optimizers.by_part
    for package in pkgutil.iter_modules(mtl.__path__):
        if package.ispkg and package.name not in INTERNAL:
            module = importlib.import_module(f"mtl_keras.{package.name}")
            objects |= {f"{package.name}.{name}": getattr(module, name) for name in getattr(module, "__all__", [])}
    return objects


PUBLIC = _public()


def _example(thing):
    """Returns the code of the docstring's `Example:` section, or None."""
    _, found, section = (inspect.getdoc(thing) or "").partition("Example:\n")
    block = re.search(r"^[ ]*```python\n(.*?)^[ ]*```", section, re.DOTALL | re.MULTILINE)
    return textwrap.dedent(block.group(1)) if found and block else None


def test_the_exceptions_exist():
    assert set(PUBLIC) >= NEEDS_DATA_FROM_DISK | LONG
    for name in ABSTRACT & set(PUBLIC):
        assert _example(PUBLIC[name]) is None, f"{name} has an example: run it"


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_says_in_a_line_what_it_does(name):
    first, *rest = (inspect.getdoc(PUBLIC[name]) or "").splitlines()
    assert first.endswith(".")
    assert not rest or rest[0] == ""


@pytest.mark.parametrize("name", fast_only([name for name in PUBLIC if name not in ABSTRACT], set(PUBLIC) - LONG))
def test_example_runs(name, tmp_path, monkeypatch, capsys):
    code = _example(PUBLIC[name])
    assert code is not None, f"mtl_keras.{name} lacks an `Example:` with a ```python block"
    compiled = compile(code, f"example of {name}", "exec")
    if not NEEDS_NEW_KERAS.get(name, True):
        pytest.skip("needs a newer Keras")
    if name in NEEDS_PACKAGE:
        pytest.importorskip(NEEDS_PACKAGE[name], reason=f"needs {NEEDS_PACKAGE[name]}")
    if name not in NEEDS_DATA_FROM_DISK:
        monkeypatch.chdir(tmp_path)
        exec(compiled, {"keras": keras, "np": np, "tf": tf, "mtl": mtl})
