"""Names on the model hub, against a small hub of the test's own: what comes, and why it did not."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.hub_server import REPOSITORY, Hub, serve
from vidqa.errors import ModelError
from vidqa.hub import HubName, fetch

OLD, NEW = "a" * 40, "b" * 40
BESIDE = ("calibration.json", "familiar.json", "figures.json")
# The client reads its settings when it is imported, so every look at the hub is a new process.
FIND = """
import json, sys
from vidqa.checkpoints import find_checkpoint
from vidqa.errors import ModelError
try:
    found = find_checkpoint(sys.argv[1])
except ModelError as err:
    print(json.dumps(err.to_dict()))
else:
    files = sorted(p.relative_to(found.folder).as_posix() for p in found.folder.rglob("*"))
    end = json.loads((found.folder / "generation_config.json").read_text())["eos_token_id"]
    print(json.dumps({"name": found.name, "files": files, "end": end, "digest": found.digest()}))
"""


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path) -> Iterator[Hub]:
    old = Path(shutil.copytree(tiny_folder, tmp_path / "old"))
    (old / "onnx").mkdir()
    for extra in ("modeling_own.py", "pytorch_model.bin", "README.md", "onnx/config.json"):
        (old / extra).write_text("{}")
    for beside in BESIDE:
        (old / beside).write_text(f'{{"file": "{beside}"}}')  # what is alike is fetched once
    new = Path(shutil.copytree(old, tmp_path / "new"))
    (old / "generation_config.json").write_text('{"eos_token_id": [1]}')
    (new / "generation_config.json").write_text('{"eos_token_id": [2]}')
    with serve(Hub({OLD: old, NEW: new}, {"main": NEW, "v1": OLD})) as served:
        yield served


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def find(name: str, hub: Hub, home: Path, **settings: str) -> Mapping[str, Any]:
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("HF_") and "proxy" not in k.lower()
    }
    done = subprocess.run(
        [sys.executable, "-c", FIND, name],
        env={**kept, **own, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def test_a_name_brings_the_files_that_are_read_and_no_others(hub: Hub, home: Path) -> None:
    found = find(REPOSITORY, hub, home)
    assert found["name"] == f"{REPOSITORY}@{NEW}"
    wanted = sorted(
        ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", *BESIDE]
    )
    assert found["files"] == wanted
    assert sorted(name for name, _ in hub.asked) == wanted


@pytest.mark.parametrize(("revision", "end"), [("v1", [1]), (OLD, [1]), ("main", [2]), (NEW, [2])])
def test_a_revision_is_a_branch_a_tag_or_a_commit(
    hub: Hub, home: Path, revision: str, end: list[int]
) -> None:
    found = find(f"{REPOSITORY}@{revision}", hub, home)
    assert (found["end"], found["name"]) == (end, f"{REPOSITORY}@{OLD if end == [1] else NEW}")


def test_a_connection_cut_within_a_file_is_resumed_where_it_broke(hub: Hub, home: Path) -> None:
    """The client writes 10 MiB at a time: what it had not written is asked for again."""
    name, mebibyte = "model-large.safetensors", 1 << 20
    large = hub.commits[NEW] / name
    large.write_bytes(bytes(range(256)) * (12 * mebibyte // 256))
    hub.cut[name] = 11 * mebibyte
    find(REPOSITORY, hub, home)
    parts = [part for asked, part in hub.asked if asked == name]
    assert parts == [None, f"bytes={10 * mebibyte}-"]
    (got,) = home.rglob(name)
    assert got.read_bytes() == large.read_bytes()


def test_offline_finds_what_is_cached_and_asks_nobody(hub: Hub, home: Path) -> None:
    online = find(REPOSITORY, hub, home)
    hub.asked.clear()
    assert find(REPOSITORY, hub, home, HF_HUB_OFFLINE="1") == online
    assert find(f"{REPOSITORY}@{NEW}", hub, home, HF_HUB_OFFLINE="1") == online
    assert hub.asked == []


def test_offline_says_so_when_nothing_is_cached(hub: Hub, home: Path) -> None:
    refused = find(REPOSITORY, hub, home, HF_HUB_OFFLINE="1")
    assert refused["code"] == "model_not_cached"
    assert "HF_HUB_OFFLINE" in refused["next_step"]


def test_a_hub_that_does_not_answer_is_told_from_offline(hub: Hub, home: Path) -> None:
    nobody = Hub({}, {}, address="http://127.0.0.1:9")
    assert find(REPOSITORY, nobody, home)["code"] == "hub_unreachable"


def test_terms_that_were_not_accepted_are_named(hub: Hub, home: Path) -> None:
    hub.gated = True
    refused = find(REPOSITORY, hub, home)
    assert refused["code"] == "model_gated"
    assert "HF_TOKEN" in refused["next_step"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (f"{REPOSITORY}@v9", "model_revision_unknown"),
        ("owner/nobody", "model_unknown"),
        ("owner/mo--del", "model_download_failed"),
    ],
)
def test_what_the_hub_does_not_have_is_an_error(hub: Hub, home: Path, name: str, code: str) -> None:
    assert find(name, hub, home)["code"] == code


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.snapshot_download", full)
    with pytest.raises(ModelError, match="No space left") as caught:
        fetch(HubName("owner/model", None))
    assert caught.value.code == "disk_full"


@pytest.mark.parametrize("name", ["nano", "a/b/c", "./a", "../a", "/a", "a/", "a/b@", "@v1", ""])
def test_what_is_no_name_on_the_hub_is_not_looked_up(name: str) -> None:
    assert HubName.parse(name) is None


def test_a_revision_may_hold_slashes() -> None:
    assert HubName.parse("a/b@refs/pr/4") == HubName("a/b", "refs/pr/4")
    assert str(HubName("a/b", "refs/pr/4")) == "a/b@refs/pr/4"
