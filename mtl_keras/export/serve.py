"""A small Python server with the protocol of TensorFlow Serving."""

import concurrent.futures
import contextlib
import os
from collections.abc import Iterator

from mtl_keras._arguments import count
from mtl_keras._extras import need
from mtl_keras.export._channel import OPTIONS
from mtl_keras.export._versions import read_version, versions


@contextlib.contextmanager
def serve(models: dict[str, str | os.PathLike], workers: int = 8) -> Iterator[str]:
    """Serves exports on a free port of this machine while the `with` block runs.

    Use it to try out and test a client without `tensorflow_model_server`: it has the same gRPC protocol, in one Python
    process. It answers `Predict` and `GetModelMetadata` of PredictionService, and `GetModelStatus` of ModelService, for
    the highest version of each model. It replays the warm-up requests first. It listens only on the loopback interface.
    In production, use TensorFlow Serving. Needs `pip install "mtl_keras[serving]"`.

    Args:
        models: `{name: folder of versions}`, as `export.saved_model` writes them.
        workers: Number of threads that answer requests.

    Yields:
        The address, such as `"127.0.0.1:50051"`, for `export.request` or any gRPC client.

    Raises:
        ImportError: If the extra is not installed.
        FileNotFoundError: If a folder has no version.
        ValueError: If `workers` is not a positive integer.

    Example:

    ```python
    model = mtl.build_model((8, 8), [mtl.Task("odd", mtl.heads.Binary())])
    mtl.export.saved_model(model, "saved_models/digits")
    with mtl.export.serve({"digits": "saved_models/digits"}) as address:
        answer = mtl.export.request(address, "digits", {"inputs": np.zeros((3, 8, 8), "float32")})
    answer["odd"].shape  # (3, 1)
    ```
    """
    grpc = need("grpc", "serving", "`serve`")
    service = need("mtl_keras.export._service", "serving", "`serve`")
    workers = count("workers", workers)
    loaded = {name: _load(service.Model, path) for name, path in models.items()}
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(workers), options=OPTIONS)
    service.add_service(server, loaded)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


def _load(make, path):
    """Loads and returns the highest version in a folder."""
    if not versions(path):
        raise FileNotFoundError(
            f"`models` must name folders of versions, such as 1/. Received: {path}, which has none."
        )
    return read_version(path, make)[1]
