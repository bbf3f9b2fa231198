"""The examples' stand-in for TensorFlow Serving, and the real one where it is on the PATH."""

import contextlib
import importlib.util
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
BINARY = "tensorflow_model_server"


def stand_in():
    """Returns the module `examples/_server.py`; skips where the messages of TensorFlow Serving are not installed."""
    pytest.importorskip("tensorflow_serving.apis.predict_pb2", reason="needs tensorflow-serving-api")
    spec = importlib.util.spec_from_file_location("_server", EXAMPLES / "_server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def real(path, name):
    """Serves a folder of versions with the real server; gives its address."""
    if not shutil.which(BINARY):
        pytest.skip(f"{BINARY} is not on the PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [BINARY, f"--port={port}", "--rest_api_port=0", f"--model_name={name}", f"--model_base_path={path}"]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
