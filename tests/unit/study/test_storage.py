"""The database of a study."""

import logging
import threading

import pytest
import tensorflow as tf

from mtl_keras.study._storage import open_storage, quiet


def test_several_processes_may_open_a_new_database_at_once(tmp_path):
    start, failures = threading.Barrier(8), []

    def open_it():
        start.wait()
        try:
            open_storage(tmp_path / "study.db").get_all_studies()
        except ValueError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_an_error_shows_no_password():
    with pytest.raises(ValueError, match=r"`storage` must be .*user:[*]{3}@host") as caught:
        open_storage("postgresql+nothing://user:secret@host/studies")
    assert "secret" not in str(caught.value)


@pytest.mark.graph
def test_many_models_are_no_reason_to_warn():
    logger, handler = logging.getLogger("tensorflow"), _Records()
    logger.addHandler(handler)
    try:
        with quiet():
            _retrace(tf.zeros)
        assert not handler.messages
        _retrace(tf.ones)
    finally:
        logger.removeHandler(handler)
    assert "triggered tf.function retracing" in handler.messages[0]


class _Records(logging.Handler):
    def __init__(self):
        super().__init__()
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def _retrace(function):
    for size in range(1, 9):
        tf.function(function)(size)
