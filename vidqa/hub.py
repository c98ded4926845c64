"""Checkpoints by name on the model hub: which files, which revision, and why one did not come.

The hub's own client keeps the cache, resumes within a file when the connection is cut and between
files when the process ends, and honours ``HF_ENDPOINT``, ``HF_HOME``, ``HF_TOKEN`` and
``HF_HUB_OFFLINE``. Only data is fetched, never code. No torch.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from vidqa.errors import ModelError

FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "model.safetensors.index.json",
    "model*.safetensors",
    "familiar.json",
    "calibration.json",
    "figures.json",
)
_ELSEWHERE = ("*/*",)
"""Folders of a repository hold other formats and exports."""


@dataclass(frozen=True, slots=True)
class HubName:
    """``OWNER/NAME`` or ``OWNER/NAME@REVISION``: a branch, a tag or a commit."""

    repository: str
    revision: str | None

    @classmethod
    def parse(cls, name: str) -> HubName | None:
        """None for anything that cannot be a name on the hub."""
        repository, at, revision = name.partition("@")
        parts = repository.split("/")
        if len(parts) != 2 or not all(parts) or repository.startswith(".") or (at and not revision):
            return None
        return cls(repository, revision or None)

    def __str__(self) -> str:
        return f"{self.repository}@{self.revision}" if self.revision else self.repository


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One commit of a repository, on disk."""

    folder: Path
    commit: str


def fetch(name: HubName) -> Snapshot:
    """The snapshot of ``name`` on disk, downloading what the cache lacks of it.

    A commit, or an offline setting, needs no network once cached. Raises :class:`ModelError`.
    """
    # Imported here: the hub's client takes longer to import than the rest of the command line.
    from huggingface_hub import snapshot_download

    # HTTPError is that of the client's transport library, which differs from version to version.
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HFValidationError,
        HTTPError,
    )

    try:
        folder = snapshot_download(
            name.repository,
            revision=name.revision,
            allow_patterns=list(FILES),
            ignore_patterns=list(_ELSEWHERE),
        )
    except (HTTPError, HFValidationError, OSError) as err:
        _refuse(name, err)
    return Snapshot(Path(folder), Path(folder).name)


def _refuse(name: HubName, err: Exception) -> NoReturn:
    """The client's exception as an error of ours."""
    code, next_step = _reason(err)
    lines = str(err).strip().splitlines() or [type(err).__name__]
    raise ModelError(f"{str(name)!r}: {lines[0]}", code=code, next_step=next_step) from err


def _reason(err: Exception) -> tuple[str, str]:
    from huggingface_hub import errors

    if isinstance(err, errors.GatedRepoError):
        return (
            "model_gated",
            "Accept its terms on its page on the hub, then run `hf auth login` or set HF_TOKEN.",
        )
    if isinstance(err, errors.RevisionNotFoundError):
        return "model_revision_unknown", "Give a branch, a tag or a commit of this repository."
    if isinstance(err, errors.RepositoryNotFoundError):
        return (
            "model_unknown",
            "Check the name; for a private repository run `hf auth login` or set HF_TOKEN.",
        )
    if isinstance(err, OSError) and err.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full", "Free space, or set HF_HOME to a larger disk; whole files are kept."
    if isinstance(err, errors.LocalEntryNotFoundError):
        return _not_cached()
    return (
        "model_download_failed",
        "Check the name and the network, or give the folder of a downloaded copy.",
    )


def _not_cached() -> tuple[str, str]:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return (
            "model_not_cached",
            "Unset HF_HUB_OFFLINE to download it, or give the folder of a downloaded copy.",
        )
    return "hub_unreachable", "Check the network, or give the folder of a downloaded copy."
