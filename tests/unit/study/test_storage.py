"""The database of a study."""

import threading

import pytest

from mtl_keras.study._storage import open_storage


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
