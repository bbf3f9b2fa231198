"""_versions: what appears in the folder of a model, and when."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import pytest

from mtl_keras.export._versions import check_place, find_version, publish, read_version, versions

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


def _publish_at_once(path, count, **arguments):
    """Publishes from several threads, which all write before the first one renames; returns the paths."""
    barrier, paths, errors = threading.Barrier(count), [], []

    def write(folder):
        _write(folder)
        barrier.wait()

    def run():
        try:
            paths.append(publish(path, None, write, **arguments))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return paths


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_processes_that_keep_few_neither_fail_nor_share_a_number(tmp_path, keep):
    for number in (1, 2, 3):
        publish(tmp_path, number, _write)
    paths = _publish_at_once(tmp_path, 8, keep=keep)
    assert sorted(int(path.name) for path in paths) == list(range(4, 12))
    assert versions(tmp_path) == list(range(12 - keep, 12))
    assert len(list(tmp_path.iterdir())) == keep


def test_an_old_version_that_cannot_be_removed_is_a_warning(tmp_path, monkeypatch):
    publish(tmp_path, None, _write)
    rename = pathlib.Path.rename

    def refuse(self, target):
        if self.name == "1":
            raise PermissionError("not yours")
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", refuse)
    with pytest.warns(UserWarning, match=r"Version 1 in .* could not be removed: not yours"):
        assert publish(tmp_path, None, _write, keep=1) == tmp_path / "2"


STRAY = {
    "file": lambda path: (path / "9").write_text("notes"),
    "padded": lambda path: (path / "0009").mkdir(),
    "padded_export": lambda path: _write(path / "0009"),
    "broken_link": lambda path: (path / "9").symlink_to(path / "nowhere"),
}


@pytest.mark.parametrize("stray", STRAY)
def test_a_stray_name_harms_nothing(stray, tmp_path):
    """It stays, is no version, and its number, which a server may read, is not given out."""
    publish(tmp_path, 2, _write)
    STRAY[stray](tmp_path)
    name = next(f.name for f in tmp_path.iterdir() if f.name.endswith("9"))
    assert versions(tmp_path) == [2]
    assert find_version(tmp_path) == tmp_path / "2"
    assert publish(tmp_path, None, _write, keep=1) == tmp_path / "10"
    assert {f.name for f in tmp_path.iterdir()} == {name, "10"}


@pytest.mark.parametrize("name", ["99999999999999999999", "1" * 5000, "٣", "²", "-1", "1.0", "+1"])
def test_a_name_that_is_no_version_for_a_server(name, tmp_path):
    if len(name) < 200:
        (tmp_path / name).mkdir()
    publish(tmp_path, None, _write)
    assert versions(tmp_path) == [1]


def test_numbers_fit_in_64_bits(tmp_path):
    last = 2**63 - 1
    assert publish(tmp_path, last, _write) == tmp_path / str(last)
    with pytest.raises(
        ValueError, match=rf"`version` must be an integer from 1 to {last}. Received: version={last + 1}"
    ):
        check_place(tmp_path, last + 1, None)
    with pytest.raises(ValueError, match=rf"`version` must be given, as the highest one in .*{last}, has no next one"):
        publish(tmp_path, None, _write)
    assert [f.name for f in tmp_path.iterdir()] == [str(last)]


def test_a_folder_that_is_no_export_is_passed_over(tmp_path):
    publish(tmp_path, 1, _write)
    (tmp_path / "9").mkdir()
    assert find_version(tmp_path) == tmp_path / "1"


class TestAVersionThatVanishes:
    """Another process removes the version while it is read, such as one that publishes with `keep=1`."""

    @pytest.mark.parametrize("fails", [False, True])
    def test_the_next_one_is_read(self, fails, tmp_path):
        publish(tmp_path, None, _write)

        def read(folder):
            if folder.name == "1":
                publish(tmp_path, None, _write, keep=1)
                if fails:
                    raise RuntimeError("half of it was gone")
                return "half of it"
            return (folder / "saved_model.pb").read_text()

        assert read_version(tmp_path, read) == (tmp_path / "2", "model")

    def test_none_is_left(self, tmp_path):
        folder = publish(tmp_path, None, _write)
        with pytest.raises(FileNotFoundError, match=r"`path` must be an export, or a folder of its versions"):
            read_version(tmp_path, lambda folder: shutil.rmtree(folder))
        publish(tmp_path, None, _write)
        with pytest.raises(FileNotFoundError, match=r"`path` must be an export"):
            read_version(folder, lambda folder: shutil.rmtree(folder))

    def test_an_error_of_one_that_is_there(self, tmp_path):
        publish(tmp_path, None, _write)
        with pytest.raises(RuntimeError, match="broken"):
            read_version(tmp_path, _raise)


def _raise(folder):
    raise RuntimeError("broken")


class TestWhatAKilledWriterLeft:
    def _left(self, path, locked):
        place = path / ".unfinished-1"
        place.mkdir()
        lock = open(place / "lock", "wb")  # noqa: SIM115
        if locked:
            fcntl.flock(lock, fcntl.LOCK_EX)
        else:
            lock.close()
        return place, lock

    def test_is_removed_by_the_next_export(self, tmp_path):
        place, _ = self._left(tmp_path, locked=False)
        publish(tmp_path, None, _write)
        assert not place.exists()

    def test_of_a_writer_that_lives_stays(self, tmp_path):
        place, lock = self._left(tmp_path, locked=True)
        publish(tmp_path, None, _write)
        assert place.exists()
        lock.close()
        publish(tmp_path, None, _write)
        assert not place.exists()

    @pytest.mark.parametrize("age", [0, 100_000])
    def test_without_a_lock_is_removed_when_it_is_old(self, age, tmp_path):
        """Of a system without locks, or of an earlier version."""
        place = tmp_path / ".unfinished-1"
        place.mkdir()
        os.utime(place, (time.time() - age,) * 2)
        publish(tmp_path, None, _write)
        assert place.exists() == (age == 0)


@pytest.mark.slow
def test_a_writer_that_is_killed(tmp_path):
    """A real process, killed while it writes: its place stays while it lives, and is gone after the next export."""
    program = f"""
import pathlib, sys, time
from mtl_keras.export._versions import publish
def write(folder):
    folder.mkdir()
    (folder / "saved_model.pb").write_text("half")
    print("writing", flush=True)
    time.sleep(600)
publish({str(tmp_path)!r}, None, write)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        assert publish(tmp_path, None, _write) == tmp_path / "1"
        assert len(list(tmp_path.glob(".unfinished-*"))) == 1
        writer.kill()
        writer.wait()
    publish(tmp_path, None, _write)
    assert {f.name for f in tmp_path.iterdir()} == {"1", "2"}


def test_processes_that_publish_at_once_get_numbers_of_their_own(tmp_path):
    _publish_at_once(tmp_path, 8)
    assert versions(tmp_path) == list(range(1, 9))
    assert len(list(tmp_path.iterdir())) == 8
