"""Where settings come from: arguments, ``VIDQA_*`` variables, ``config.toml``, defaults; strongest
first. One file serves every class of settings: each leaves the others' names alone, and a name
that none has is an error.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from vidqa.errors import SettingsError

_Settings = TypeVar("_Settings", bound="FiledSettings")


def config_file() -> Path:
    """Where ``config.toml`` is looked for: ``~/.config/vidqa/config.toml``."""
    # Not Path.home(), which raises for a user without a home, as in a container.
    return Path(os.path.expanduser("~")) / ".config" / "vidqa" / "config.toml"  # noqa: PTH111


class FiledSettings(BaseSettings):
    """Settings that share ``config.toml``; frozen, and an unknown name in the file is an error.

    A variable of the environment that is set to nothing is not set.
    """

    model_config = SettingsConfigDict(
        env_prefix="VIDQA_", frozen=True, extra="forbid", env_ignore_empty=True
    )
    beside: ClassVar[tuple[str, ...]] = ()
    """Other classes whose names the file may hold, as ``module:class``; imported when needed."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        return init_settings, env_settings, _OwnNames(settings_cls, toml_file=config_file())

    @classmethod
    def foreign_names(cls) -> frozenset[str]:
        """Names of the classes beside this one."""
        found: set[str] = set()
        for path in cls.beside:
            module, _, name = path.partition(":")
            found |= set(getattr(import_module(module), name).model_fields)
        return frozenset(found)


class _OwnNames(TomlConfigSettingsSource):
    """The file without what it holds for the classes beside."""

    def __call__(self) -> dict[str, Any]:
        held = super().__call__()
        if set(held) <= set(self.settings_cls.model_fields):
            return held
        foreign: frozenset[str] = getattr(self.settings_cls, "foreign_names", frozenset)()
        return {name: value for name, value in held.items() if name not in foreign}


def load(form: type[_Settings], given: dict[str, Any]) -> _Settings:
    """Settings from all sources; ``given`` values win, those that are ``None`` were not given.

    Raises :class:`SettingsError` naming the setting and the value it cannot have, or a file that
    cannot be read.
    """
    try:
        return form(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as err:
        raise _invalid(form, err) from err
    except (ValueError, OSError) as err:  # not TOML, not UTF-8, or not readable
        raise SettingsError(
            f"{config_file()} cannot be read: {err}",
            code="config_unreadable",
            next_step="Correct the file, or move it away to run with the defaults.",
        ) from err


def _invalid(form: type[FiledSettings], err: ValidationError) -> SettingsError:
    first = err.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return SettingsError(
            f"there is no setting {name!r}",
            code="setting_unknown",
            next_step=f"Correct the argument or {config_file()};"
            f" there are {', '.join(form.model_fields)}.",
        )
    return SettingsError(
        f"setting {name!r} cannot be {first.get('input')!r}: {first['msg']}",
        code="setting_invalid",
        next_step=f"Correct the option, VIDQA_{name.upper()} or {config_file()}.",
    )
