"""What whoever runs the service may set: ``VIDQA_*`` variables and ``config.toml``, read by shells.

The same file as :mod:`vidqa.settings`, which has what concerns the model.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ByteSize, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from vidqa.configuration import FiledSettings, load

Texts = Annotated[tuple[str, ...], NoDecode]
"""In a variable: parted by commas."""


class ServiceSettings(FiledSettings):
    """Every setting of the service with its default; ``~`` is the user's home."""

    beside = ("vidqa.settings:Settings",)

    host: str = "127.0.0.1"
    """The address that is listened on; anything but loopback needs API keys."""
    port: int = Field(default=8000, ge=0, le=65_535)
    data_dir: Path | None = None
    """Where uploads, jobs and keys lie; the user's own data folder when not given."""
    service_url: str | None = None
    """The service's database in place of a file there: ``postgresql://...``, or another file."""
    broker: str | None = None
    """``redis://...``: jobs are announced there to Celery workers; None: workers look by
    themselves."""

    media_roots: Texts = ()
    """Folders below which a job may name a video by its path; none: paths are refused."""
    allowed_media_domains: Texts = ()
    """Domains from which a job may have a video fetched; none: URLs are refused."""
    max_upload_bytes: ByteSize = Field(default=ByteSize(4 * 10**9), gt=0)
    max_duration_s: float = Field(default=6 * 3600, gt=0)
    """Longest video that is taken."""

    max_job_seconds: float = Field(default=7_200, gt=0)
    """Longest run of a job."""
    lease_s: float = Field(default=30, gt=0, le=3_600)
    """How long a worker may be silent before its job goes to another."""
    heartbeat_s: float = Field(default=10, gt=0)
    attempts: int = Field(default=3, ge=1, le=100)
    """How often a job may lose its worker before it counts as failed."""
    progress_limit_s: float = Field(default=300, gt=0)
    """Longest time without any progress in one stage, but for loading a model."""
    load_limit_s: float = Field(default=1_800, gt=0)
    """Longest time that loading a model may take, downloads included."""
    cancel_grace_s: float = Field(default=10, gt=0)
    """How long a worker that was told to stop may go on before its process is ended."""
    stop_grace_s: float = Field(default=25, gt=0)
    """How long a running job may take to end when its worker is told to stop."""
    poll_s: float = Field(default=0.05, gt=0, le=10)
    """How often a free worker looks for jobs."""
    claim_watch_s: float = Field(default=60, gt=0)
    """A free worker that claims nothing for so long while jobs wait is started anew."""
    idempotency_keep_s: float = Field(default=86_400, gt=0)
    """How long an idempotency key stands for the job that it was first used for."""
    jobs_keep_s: float = Field(default=0, ge=0)
    """How long a job is kept, with its result, once it has ended; 0: for ever."""

    min_free_bytes: ByteSize = Field(default=ByteSize(10**9), ge=0)
    """Room on the disk that uploads leave free; without it nothing more is taken."""
    tenant_bytes: ByteSize = Field(default=ByteSize(200 * 10**9), ge=0)
    """Most bytes of videos that the keys of one tenant may keep; 0: no bound."""

    allowed_hosts: Texts = ()
    """Names under which the service answers beside its own; none: on loopback its own alone."""
    cors_origins: Texts = ()
    """Other origins whose pages may call the API; none."""
    rate_per_minute: int = Field(default=600, ge=0)
    """Requests of one key in a minute; 0: no bound."""
    concurrent_jobs: int = Field(default=100, ge=0)
    """Jobs of one key that wait or run at the same time; 0: no bound."""
    queue_cap: int = Field(default=10_000, ge=0)
    """Jobs that may wait in all; 0: no bound."""
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Secrets that sign webhooks, ``whsec_...``: one, or two while one replaces the other; none:
    webhooks are off."""
    webhook_networks: Texts = ()
    """Networks that webhooks may go to although their addresses are not public: ``10.1.0.0/16``."""
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator(
        "media_roots",
        "allowed_media_domains",
        "allowed_hosts",
        "cors_origins",
        "webhook_secrets",
        "webhook_networks",
        mode="before",
    )
    @classmethod
    def _parted(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part for each in value.split(",") if (part := each.strip()))
        return value

    @field_validator("media_roots")
    @classmethod
    def _roots_at_home(cls, roots: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(os.path.expanduser(root) for root in roots)  # noqa: PTH111

    @field_validator("data_dir")
    @classmethod
    def _folder_at_home(cls, folder: Path | None) -> Path | None:
        return None if folder is None else Path(os.path.expanduser(folder))  # noqa: PTH111

    @model_validator(mode="after")
    def _beats_within_a_lease(self) -> ServiceSettings:
        if self.heartbeat_s * 2 > self.lease_s:
            raise ValueError("heartbeat_s must be at most half of lease_s")
        return self

    @model_validator(mode="after")
    def _jobs_outlive_their_keys(self) -> ServiceSettings:
        if 0 < self.jobs_keep_s < self.idempotency_keep_s:
            raise ValueError(
                "jobs_keep_s must be 0 or at least idempotency_keep_s, within which a key stands "
                "for its job"
            )
        return self

    @property
    def folder(self) -> Path:
        """Where uploads, jobs and keys lie."""
        if self.data_dir is not None:
            return self.data_dir
        from platformdirs import user_data_path  # only where it is needed: start-up time

        return user_data_path("vidqa", appauthor=False) / "service"

    @property
    def database_place(self) -> str:
        """The service's database: a path or a URL."""
        return str(self.folder / "service.db") if self.service_url is None else self.service_url


def load_service_settings(**given: Any) -> ServiceSettings:
    """Settings from all sources; ``given`` values win, those that are ``None`` were not given.

    Raises :class:`SettingsError` naming the setting and the value it cannot have, or a file that
    cannot be read.
    """
    return load(ServiceSettings, given)
