"""_versions: what appears in the folder of a model, and when."""

import threading

import pytest

from mtl_keras.export._versions import check_place, publish, versions

pytestmark = pytest.mark.graph


def _write(folder):
    folder.mkdir()
    (folder / "saved_model.pb").write_text("model")


def _files(path):
    """Returns all files of a folder, hidden ones too, with their contents."""
    return {str(f.relative_to(path)): f.read_bytes() for f in sorted(path.rglob("*")) if f.is_file()}


def test_the_next_free_one(tmp_path):
    path = tmp_path / "models" / "digits"
    assert publish(path, None, _write) == path / "1"
    assert publish(str(path), None, _write) == path / "2"
    (path / "9").mkdir()
    (path / "notes").mkdir()
    (path / ".12-unfinished").mkdir()
    assert publish(path, None, _write) == path / "10"
    assert versions(path) == [1, 2, 9, 10]


def test_a_given_one(tmp_path):
    assert publish(tmp_path, 20240131, _write) == tmp_path / "20240131"
    assert publish(tmp_path, 3, _write) == tmp_path / "3"
    assert publish(tmp_path, None, _write) == tmp_path / "20240132"


def test_one_that_exists_stays_as_it_is(tmp_path):
    publish(tmp_path, None, _write)
    before = _files(tmp_path)
    with pytest.raises(FileExistsError, match=r"Version 1 exists: .*1\. Leave `version` out for the next free one"):
        check_place(tmp_path, 1, None)
    with pytest.raises(OSError, match="not empty"):  # one that appeared after the check
        publish(tmp_path, 1, _write)
    assert _files(tmp_path) == before
    assert [f.name for f in tmp_path.iterdir()] == ["1"]


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", True])
@pytest.mark.parametrize("argument", ["version", "keep"])
def test_a_bad_number(tmp_path, argument, value):
    with pytest.raises(
        ValueError, match=rf"`{argument}` must be an integer of at least 1. Received: {argument}={value!r}"
    ):
        check_place(tmp_path, **{"version": None, "keep": None, argument: value})


def test_nothing_is_left_of_a_failure(tmp_path):
    publish(tmp_path, None, _write)
    before = _files(tmp_path)

    def fail(folder):
        _write(folder)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        publish(tmp_path, None, fail, keep=1)
    assert _files(tmp_path) == before
    assert [f.name for f in tmp_path.iterdir()] == ["1"]


def test_it_appears_under_its_name_only_when_it_is_whole(tmp_path):
    seen = []

    def write(folder):
        _write(folder)
        seen.extend(f.name for f in tmp_path.iterdir())

    publish(tmp_path, None, write)
    assert len(seen) == 1
    assert not seen[0].isdecimal()  # a server looks at folders whose names are numbers


@pytest.mark.parametrize(
    ("keep", "version", "left"),
    [
        (None, None, [1, 4, 5, 6]),
        (1, None, [6]),
        (2, None, [5, 6]),
        (9, None, [1, 4, 5, 6]),
        (2, 3, [3, 5]),  # the new one stays, whatever its number
        (1, 3, [3]),
    ],
)
def test_keep(tmp_path, keep, version, left):
    for number in (1, 4, 5):
        publish(tmp_path, number, _write)
    (tmp_path / "notes").mkdir()
    publish(tmp_path, version, _write, keep)
    assert versions(tmp_path) == left
    assert {f.name for f in tmp_path.iterdir()} == {"notes", *map(str, left)}


def test_processes_that_publish_at_once_get_numbers_of_their_own(tmp_path):
    barrier = threading.Barrier(8)

    def write(folder):
        _write(folder)
        barrier.wait()  # all have written; now all rename

    threads = [threading.Thread(target=publish, args=(tmp_path, None, write)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions(tmp_path) == list(range(1, 9))
    assert len(list(tmp_path.iterdir())) == 8
