"""Loads a comparison or a search from its storage."""

import os
import pathlib
from typing import Any

from mtl_keras.study._queue import Queue
from mtl_keras.study._storage import open_storage, optuna
from mtl_keras.study.comparison import Comparison
from mtl_keras.study.search_result import SearchResult


def load(storage: str | os.PathLike, name: str | None = None) -> Comparison | SearchResult:
    """Returns a comparison or a search from a storage, with the results so far.

    Args:
        storage: File of an SQLite database, or URL of a database, as in `compare`.
        name: Name of the study; None if there is only one comparison, or no comparison and only one search.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the storage has no study of this name, or several studies and no name was given.

    Example:

    ```python
    tasks = [mtl.Task("a", mtl.heads.Binary()), mtl.Task("b", mtl.heads.Binary())]

    def build(sharing="hard"):
        model = mtl.build_model((2,), tasks, tower=mtl.towers.MLP((2,)), sharing=sharing)
        model.compile("adam")
        return model

    y = np.arange(20) % 2
    data = np.stack([y, 1 - y], axis=1), {"a": y, "b": y}
    options = {"baseline": "sum", "seeds": 1, "epochs": 1, "storage": "study.db", "verbose": False}
    mtl.study.compare(build, {"sum": {}}, data, data, data, **options)
    print(mtl.study.load("study.db"))
    ```
    """
    if "://" not in str(storage) and not pathlib.Path(storage).is_file():
        raise FileNotFoundError(f"`storage` must be a file of a comparison, or a URL. Received: {str(storage)!r}.")
    found = {known: Queue(storage, known) for known in _names(storage)}
    found = {known: queue for known, queue in found.items() if "kind" in queue.about()}
    if name is None:
        comparisons = [known for known, queue in found.items() if queue.about()["kind"] == "comparison"]
        names = comparisons or list(found)
        name = names[0] if len(names) == 1 else None
    if name not in found:
        raise ValueError(f"`name` must be one of the studies {list(found)} in {str(storage)!r}. Received: {name!r}.")
    queue = found[name]
    about = queue.about()
    if about["kind"] == "search":
        return SearchResult(about, queue.study)
    return Comparison(about, queue.runs())


def _names(storage: Any) -> list[str]:
    return optuna().get_all_study_names(open_storage(storage))
