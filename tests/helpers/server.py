"""TensorFlow Serving itself, if it is on the PATH."""

import contextlib
import shutil
import socket
import subprocess
import time

import pytest

BINARY = "tensorflow_model_server"


@contextlib.contextmanager
def real(path, name):
    """Serves a folder of versions with the real server; yields its address."""
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
