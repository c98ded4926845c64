"""Which files an ingest looks at: everything named, once, hidden ones and circles left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidqa.archive.discover import Discovery, Place, Unreachable, lies_below
from vidqa.errors import ArchiveError


def names(root: Path, *targets: str | Path, discovery: Discovery | None = None) -> list[str]:
    found = (discovery or Discovery()).places(targets)
    return [
        os.path.relpath(place.location.url, root) for place in found if isinstance(place, Place)
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.mp4", "a.mp4", "sub/c.mp4", "sub/deep/d.mkv", ".hidden.mp4", ".git/e.mp4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def test_a_folder_is_walked_in_order_of_name_and_hidden_things_are_counted(tree: Path) -> None:
    discovery = Discovery()
    found = names(tree, tree, discovery=discovery)
    assert found == ["a.mp4", "b.mp4", "sub/c.mp4", "sub/deep/d.mkv"]
    assert discovery.hidden == 2
    assert discovery.roots == [str(tree)]


def test_a_pattern_crosses_folders_and_a_file_named_twice_comes_once(tree: Path) -> None:
    found = names(tree, f"{tree}/**/*.mp4", tree / "a.mp4", tree / "sub")
    assert found == ["a.mp4", "b.mp4", "sub/c.mp4", "sub/deep/d.mkv"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1]*.mp4").touch()
    (tmp_path / "a1.mp4").touch()
    assert names(tmp_path, tmp_path / "a[1]*.mp4") == ["a[1]*.mp4"]


def test_links_in_circles_end_and_linked_files_come_once(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)
    (tree / "sub" / "self").symlink_to(tree / "sub" / "self")
    (tree / "z1.mp4").symlink_to(tree / "a.mp4")
    (tree / "z2.mp4").symlink_to(tree / "a.mp4")
    discovery = Discovery()
    found = list(discovery.places([tree]))
    places = [os.path.relpath(p.location.url, tree) for p in found if isinstance(p, Place)]
    assert places == ["a.mp4", "b.mp4", "sub/c.mp4", "sub/deep/d.mkv"]
    circle = [each for each in found if isinstance(each, Unreachable)]
    assert [os.path.basename(each.url) for each in circle] == ["self"]  # noqa: PTH119


def test_a_link_to_a_file_elsewhere_is_followed(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "sub"
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "c.mp4").symlink_to(outside / "c.mp4")
    (folder / "broken.mp4").symlink_to(outside / "nothing")
    found = list(Discovery().places([folder]))
    assert [type(each) for each in found] == [Unreachable, Place]


@pytest.mark.parametrize("name", ["none.mp4", "*.none"])
def test_a_target_that_names_nothing_is_an_error_with_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="no such file") as caught:
        list(Discovery().places([tmp_path / name]))
    assert caught.value.code == "nothing_there"


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode elsewhere")
def test_names_are_unicode_or_told_as_what_they_are(tmp_path: Path) -> None:
    for name in ("東京 🎥.mp4".encode(), b"bad\xff.mp4"):
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):  # noqa: PTH118, PTH123
            pass
    found = {type(each): each for each in Discovery().places([tmp_path])}
    place, told = found[Place], found[Unreachable]
    assert isinstance(place, Place)
    assert place.location.url.endswith("東京 🎥.mp4")
    assert isinstance(told, Unreachable)
    assert told.url.endswith("bad\\udcff.mp4")


def test_what_lies_below_a_folder_is_told_by_whole_names() -> None:
    assert lies_below("/a/b/c.mp4", ["/a/b"])
    assert not lies_below("/a/bc.mp4", ["/a/b"])
    assert lies_below("/a", ["/"])
