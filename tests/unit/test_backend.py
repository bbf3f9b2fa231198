"""Another backend than TensorFlow is an error when the package is imported."""

import os
import subprocess
import sys
import types

import pytest

from mtl_keras import _backend


def _import(program, tmp_path, **environment):
    """Returns what importing in a process of its own says on standard error."""
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch", "no_such_backend"])
def test_another_backend(backend, tmp_path):
    error = _import("import mtl_keras", tmp_path, KERAS_BACKEND=backend)
    assert error.startswith("ImportError: mtl_keras needs Keras on the backend 'tensorflow'.")
    assert f"Received: the backend {backend!r}. Set the environment variable KERAS_BACKEND=tensorflow" in error


def test_another_backend_in_the_settings_of_keras(tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "numpy"}')
    error = _import("import os; os.environ.pop('KERAS_BACKEND', None); import mtl_keras", tmp_path)
    assert "Received: the backend 'numpy'" in error


def test_a_keras_that_was_imported_before(monkeypatch):
    imported = types.SimpleNamespace(config=types.SimpleNamespace(backend=lambda: "torch"))
    monkeypatch.setitem(sys.modules, "keras", imported)
    with pytest.raises(ImportError, match="Received: the backend 'torch'"):
        _backend.check()


@pytest.mark.parametrize("settings", ["", "no json", "[]", '{"epsilon": 1e-7}', '{"backend": "tensorflow"}'])
def test_settings_that_name_no_other_backend(settings, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "keras.json").write_text(settings)
    assert _backend.configured() == "tensorflow"
