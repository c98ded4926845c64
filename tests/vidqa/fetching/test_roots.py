"""Paths that somebody else chose: inside a root, through no way out, a regular file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidqa.errors import FetchError
from vidqa.fetching import Roots, roots


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """root/films/a.mp4, beside secret.mp4 and rootless/b.mp4."""
    (tmp_path / "root" / "films").mkdir(parents=True)
    (tmp_path / "root" / "films" / "a.mp4").write_bytes(b"film")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (tmp_path / "rootless").mkdir()
    (tmp_path / "rootless" / "b.mp4").write_bytes(b"other")
    return tmp_path


def code_of(given: str | Path, folder: Path) -> str:
    with pytest.raises(FetchError) as caught:
        Roots([folder]).locate(given)
    assert caught.value.next_step
    return caught.value.code


def test_a_file_below_a_root_is_opened(tree: Path) -> None:
    with Roots([tree / "root"]).opened(tree / "root/films/a.mp4") as rooted:
        assert os.read(rooted.handle, 10) == b"film"
        assert (rooted.path, rooted.bytes) == (tree / "root/films/a.mp4", 4)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(rooted.handle)


def test_without_roots_no_path_is_read(tree: Path) -> None:
    with pytest.raises(FetchError) as caught:
        Roots().locate(tree / "root/films/a.mp4")
    assert caught.value.code == "path_refused"


@pytest.mark.parametrize(
    "given",
    [
        *("secret.mp4", "root/../secret.mp4", "root/films/../../secret.mp4", "rootless/b.mp4"),
        *("root", "root/", "root/.", "root/films", "root/films/", "root/nothing/../.."),
        *("nothing/at/all.mp4", "root/films/a.mp4/../../../secret.mp4"),
    ],
)
def test_what_lies_outside_or_is_no_file_is_refused(tree: Path, given: str) -> None:
    assert code_of(f"{tree}/{given}", tree / "root") == "path_refused"


@pytest.mark.parametrize("given", ["a.mp4", "", "films/a.mp4", "~/a.mp4", "/x\0y", "file:///x"])
def test_what_is_no_absolute_path_is_refused(tree: Path, given: str) -> None:
    assert code_of(given, tree / "root") == "path_refused"


def test_a_missing_file_inside_is_missing_and_one_outside_is_refused(tree: Path) -> None:
    assert code_of(tree / "root/films/no.mp4", tree / "root") == "path_missing"
    assert code_of(tree / "root/films/a.mp4/x", tree / "root") == "path_missing"
    assert code_of(tree / "no.mp4", tree / "root") == "path_refused"


def test_links_are_followed_inside_and_nowhere_else(tree: Path) -> None:
    films = tree / "root" / "films"
    (films / "inside.mp4").symlink_to("a.mp4")
    (films / "out.mp4").symlink_to(tree / "secret.mp4")
    (films / "up.mp4").symlink_to("../../secret.mp4")
    (films / "folder").symlink_to(tree / "rootless")
    (films / "gone.mp4").symlink_to(tree / "no.mp4")
    (films / "loop.mp4").symlink_to("loop.mp4")
    (films / "proc.mp4").symlink_to("/proc/self/environ")
    assert Roots([tree / "root"]).locate(films / "inside.mp4") == films / "a.mp4"
    for name in ("out.mp4", "up.mp4", "folder/b.mp4", "gone.mp4", "loop.mp4", "proc.mp4"):
        assert code_of(films / name, tree / "root") == "path_refused", name


def test_a_link_put_in_the_way_after_resolving_is_no_way_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tree / "root" / "films" / "a.mp4"
    real = os.path.realpath

    def swapped(path: str, **kwargs: bool) -> str:
        resolved = real(path, **kwargs)
        if path == str(given):
            given.unlink()
            given.symlink_to(tree / "secret.mp4")
        return resolved

    made = Roots([tree / "root"])
    monkeypatch.setattr(roots.os.path, "realpath", swapped)
    with pytest.raises(FetchError) as caught:
        made.locate(given)
    assert caught.value.code == "path_refused"


def test_a_folder_swapped_for_a_link_is_no_way_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films, real = tree / "root" / "films", os.path.realpath
    (tree / "rootless" / "a.mp4").write_bytes(b"secret")

    def swapped(path: str, **kwargs: bool) -> str:
        resolved = real(path, **kwargs)
        if path.endswith("a.mp4"):
            films.rename(tree / "moved")
            films.symlink_to(tree / "rootless")
        return resolved

    made = Roots([tree / "root"])
    monkeypatch.setattr(roots.os.path, "realpath", swapped)
    with pytest.raises(FetchError):
        made.locate(films / "a.mp4")


def test_pipes_devices_and_sockets_are_refused_without_waiting(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = tree / "root" / "films"
    os.mkfifo(films / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as made:
        monkeypatch.chdir(films)  # names of sockets are short
        made.bind("sock.mp4")
        for name in ("pipe.mp4", "sock.mp4"):
            assert code_of(films / name, tree / "root") == "path_refused"
    assert code_of("/dev/zero", Path("/dev")) == "path_refused"


def test_a_root_may_itself_be_reached_through_a_link(tree: Path) -> None:
    (tree / "link").symlink_to(tree / "root")
    made = Roots([tree / "link"])
    assert made.locate(tree / "link/films/a.mp4") == tree / "root/films/a.mp4"
    assert made.locate(tree / "root/films/a.mp4") == tree / "root/films/a.mp4"


PARTS = st.lists(
    st.sampled_from(["..", ".", "root", "films", "a.mp4", "secret.mp4", "rootless", "b.mp4", ""]),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=PARTS)
def test_whatever_is_given_only_files_below_the_root_come_out(tree: Path, parts: list[str]) -> None:
    try:
        path = Roots([tree / "root"]).locate("/".join([str(tree), *parts]))
    except FetchError:
        return
    assert path == tree / "root/films/a.mp4"
