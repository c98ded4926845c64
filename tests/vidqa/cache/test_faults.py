"""Disks that fail, processes that die, many at once: never a wrong row."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.cache.some_rows import SPACE, files, known, rows, store_in
from vidqa.errors import CacheError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("call", ["open", "write", "close", "replace", "mkdir"])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_write_that_fails_at_any_step_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, fault: int
) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    before = files(tmp_path)

    def fails(*args: object, **_: object) -> None:
        if call == "close":
            real_close(args[0])  # type: ignore[arg-type]
        raise OSError(fault, os.strerror(fault))

    real_close = os.close
    with monkeypatch.context() as patch:
        patch.setattr(*_where(call), fails)
        with pytest.raises(CacheError, match="cannot be written") as caught:
            store.add(SPACE, rows(2))
    assert caught.value.code == "cache_unwritable"
    assert (files(tmp_path), known(store, 1, 2)) == (before, [1])


def test_a_disk_that_fills_up_in_the_middle_of_a_file_leaves_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, room = os.write, [100]

    def short(descriptor: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(descriptor, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(CacheError, match="No space left"):
        store_in(tmp_path).add(SPACE, rows(1))
    assert files(tmp_path) == []


def test_a_process_killed_in_the_middle_of_a_write_leaves_a_file_that_nobody_reads(
    tmp_path: Path,
) -> None:
    script = f"""
import os, time
from pathlib import Path
from tests.vidqa.cache.some_rows import *
def stuck(descriptor, data, real=os.write):
    real(descriptor, data[:100]); print("half", flush=True); time.sleep(60)
os.write = stuck
store_in(Path({str(tmp_path)!r})).add(SPACE, rows(1, 2))
"""
    with _python(script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    (left,) = files(tmp_path)
    store = store_in(tmp_path)
    assert known(store, 1, 2) == []
    store.add(SPACE, rows(1))
    assert left.exists()  # for all we know its writer is alive
    os.utime(left, (time.time() - 7200,) * 2)
    store.folder.trim()
    assert (left.exists(), known(store, 1)) == (False, [1])


def test_a_folder_that_is_taken_away_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, taken = Path.mkdir, [FileExistsError(17, "File exists"), FileNotFoundError(2, "gone")]

    def mkdir(path: Path, *args: Any, **options: Any) -> None:
        if taken and path.parent != tmp_path.parent:
            raise taken.pop()
        real(path, *args, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    assert (taken, known(store, 1)) == ([], [1])


def test_processes_that_write_read_evict_and_clear_at_once_never_find_a_wrong_row(
    tmp_path: Path,
) -> None:
    script = f"""
import random, sys
from pathlib import Path
from tests.vidqa.cache.some_rows import *
random.seed(int(sys.argv[1]))
store = store_in(Path({str(tmp_path)!r}), 20_000)
found = 0
for turn in range(150):
    window = random.sample(range(100), random.randint(1, 12))
    found += len(known(store, *window))
    store.add(SPACE, rows(*window))
    if turn % 50 == 49:
        store.folder.clear() if sys.argv[1] == "0" else store.folder.trim()
    if turn % 20 == 7 and (there := files(Path({str(tmp_path)!r}))):
        try:
            random.choice(there).write_bytes(bytes(random.randint(0, 300)))
        except FileNotFoundError:
            pass
print(found)
"""
    processes = [_python(script, str(k)) for k in range(3)]
    told = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert all(int(text) > 0 for text in told)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that bind")
def test_a_folder_that_may_only_be_read_still_gives_what_is_in_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    folders = [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        assert known(store_in(tmp_path), 1) == [1]
        with pytest.raises(CacheError, match="Permission denied"):
            store_in(tmp_path).add(SPACE, rows(2))
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_folder_that_cannot_be_listed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))

    def refused(path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(CacheError) as caught:
        known(store, 1)
    assert caught.value.code == "cache_unreadable"


def test_files_that_may_not_be_looked_at_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))

    def refused(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refused)
    for look in (store.folder.entries, store.folder.trim, store.folder.clear):
        with pytest.raises(CacheError, match="Permission denied") as caught:
            look()
        assert caught.value.code == "cache_unreadable"


def test_verifying_keeps_a_file_that_it_cannot_read_and_tells_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    (path,) = files(tmp_path)

    def refused(self: Path, *_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        with pytest.raises(CacheError, match=path.name) as caught:
            list(store.verify())
    assert (caught.value.code, known(store, 1)) == ("cache_unreadable", [1])


def test_verifying_does_not_say_removed_of_a_file_that_cannot_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    store.add(SPACE, rows(1))
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1])

    def refused(self: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(CacheError) as caught:
        list(store.verify())
    assert caught.value.code == "cache_unwritable"


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(CacheError) as caught:
        store_in(tmp_path / "cache").add(SPACE, rows(1))
    assert caught.value.code == "cache_unwritable"


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    store_in(tmp_path / "cache").add(SPACE, rows(1))
    (path,) = files(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def _where(call: str) -> tuple[object, str]:
    return (Path, call) if call in ("replace", "mkdir") else (os, call)


def _python(script: str, *args: str) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", script, *args], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
