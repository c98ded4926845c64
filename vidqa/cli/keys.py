"""``vidqa keys``: who may use the API. No torch."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vidqa.cli import options
from vidqa.cli.errors import FOUND, NOT_FOUND, exits
from vidqa.cli.service import DatabaseOption, FolderOption, moment, opened_keys
from vidqa.cli.streams import show
from vidqa.cli.table import columns

app = typer.Typer(
    name="keys",
    help="Keys to the API of the service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NameArg = Annotated[
    str, typer.Argument(metavar="NAME", help="Whose it is, or what for.", show_default=False)
]
IdArg = Annotated[str, typer.Argument(metavar="KEY", help="Its id: key_...", show_default=False)]
ScopeOption = Annotated[
    list[str] | None,
    typer.Option("--scope", metavar="SCOPE", help="read, write or admin; repeatable."),
]
TenantOption = Annotated[
    str, typer.Option("--tenant", help="Keys of one tenant see the same videos and jobs.")
]


@app.command("add")
@exits
def add(
    name: NameArg,
    scope: ScopeOption = None,
    tenant: TenantOption = "local",
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Make a key (read and write, unless --scope says other) and print it, this once."""
    with opened_keys(data_dir, database) as keys:
        key, text = keys.create(name=name, tenant=tenant, scopes=scope or ("read", "write"))
    show(json.dumps({**key.to_dict(), "key": text}, indent=2) if json_ else text)
    return FOUND


@app.command("ls")
@exits
def ls(
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """List all keys, without their secrets. Exit code 1 for none."""
    with opened_keys(data_dir, database) as keys:
        found = keys.all()
    if json_:
        show(json.dumps([key.to_dict() for key in found], indent=2))
    else:
        rows = [
            (
                key.id,
                key.name,
                key.tenant,
                ",".join(sorted(key.scopes)),
                f"vidqa_{key.prefix}_...",
                moment(key.created_at),
                moment(key.revoked_at),
            )
            for key in found
        ]
        head = ("key", "name", "tenant", "scopes", "begins", "made", "revoked")
        show("\n".join(columns([head, *rows])))
    return FOUND if found else NOT_FOUND


@app.command("rm")
@exits
def rm(
    key: IdArg,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Revoke a key: it opens nothing from now on."""
    with opened_keys(data_dir, database) as keys:
        gone = keys.revoke(key)
    show(json.dumps(gone.to_dict(), indent=2) if json_ else f"revoked {gone.id} ({gone.name})")
    return FOUND
