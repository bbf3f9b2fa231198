"""Python functions that tf.data calls in its own threads."""

import atexit
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

_SECONDS = 10.0

_lock = threading.Lock()
_calls = 0  # number of calls that have begun
_running = 0
_closed = False


def in_python(function: Callable) -> Callable:
    """Returns a function for `tf.numpy_function` that ends its dataset when the program ends.

    Otherwise a prefetching thread would wait for the interpreter after it has ended: a program that leaves an iterator
    within a pass would never end.
    """

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        global _calls, _running
        with _lock:
            _calls += 1
            if _closed:
                raise StopIteration
            _running += 1
        try:
            return function(*args)
        finally:
            with _lock:
                _running -= 1

    return call


@atexit.register
def _close() -> None:
    """Prevents new calls of the functions, and waits until all threads have noticed."""
    global _closed
    _closed = True
    end = time.monotonic() + _SECONDS
    last = -1
    while _calls != last or _running:
        if not _calls or time.monotonic() > end:
            return
        last = _calls
        time.sleep(0.02)
