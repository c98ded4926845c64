"""``vidqa jobs``: what the service has to do, does and did. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidqa.cli import options
from vidqa.cli.errors import FAILED, FOUND, NOT_FOUND, exits
from vidqa.cli.service import DatabaseOption, FolderOption, moment, opened_jobs
from vidqa.cli.streams import show
from vidqa.cli.table import columns
from vidqa.errors import JobError, SettingsError

if TYPE_CHECKING:
    from vidqa.service.records import Job

app = typer.Typer(
    name="jobs",
    help="Jobs of the service on this machine, or of its database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
JobArg = Annotated[str, typer.Argument(metavar="JOB", help="Its id: job_...", show_default=False)]
JobsArg = Annotated[
    list[str], typer.Argument(metavar="JOB...", help="Their ids.", show_default=False)
]
StateOption = Annotated[
    list[str] | None, typer.Option("--state", metavar="STATE", help="Only these; repeatable.")
]
KindOption = Annotated[
    list[str] | None, typer.Option("--kind", metavar="KIND", help="Only these; repeatable.")
]
TenantOption = Annotated[
    str | None, typer.Option("--tenant", help="Only this tenant's; without it, everybody's.")
]
SizeOption = Annotated[int, typer.Option("-n", metavar="N", help="Jobs on a page, 1 to 200.")]
TokenOption = Annotated[
    str | None, typer.Option("--page-token", metavar="TOKEN", help="Go on behind a page.")
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", metavar="S", help="Wait so many seconds at most.")
]
ResultOption = Annotated[bool, typer.Option("--result", help="Its result in place of the job.")]


@app.command("ls")
@exits
def ls(
    state: StateOption = None,
    kind: KindOption = None,
    tenant: TenantOption = None,
    size: SizeOption = 20,
    page_token: TokenOption = None,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """List jobs, newest first. Exit code 1 for none."""
    _check_states(state or [])
    with opened_jobs(data_dir, database) as store:
        page = store.page(tenant, states=state or (), kinds=kind or (), size=size, token=page_token)
    if json_:
        told = {
            "jobs": [_told(job) for job in page.jobs],
            "next_page_token": page.next_token,
        }
        show(json.dumps(told, indent=2))
    else:
        show("\n".join(columns([_HEAD, *map(_row, page.jobs)])))
        if page.next_token is not None:
            show(f"more: --page-token {page.next_token}")
    return FOUND if page.jobs else NOT_FOUND


@app.command("show")
@exits
def show_job(
    job: JobArg,
    result: ResultOption = False,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Show one job: how far it is, or why it failed."""
    with opened_jobs(data_dir, database) as store:
        found = store.get(None, job)
        if result:
            show(json.dumps(store.result(None, job), indent=2))
            return FOUND
    show(json.dumps(_told(found), indent=2) if json_ else _described(found))
    return FOUND


@app.command("cancel")
@exits
def cancel(
    jobs: JobsArg,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Cancel jobs: at once where they wait, within seconds where they run."""
    with opened_jobs(data_dir, database) as store:
        return _each(jobs, lambda job: store.cancel(None, job), json_=json_)


@app.command("retry")
@exits
def retry(
    jobs: JobsArg,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Have jobs that failed or were cancelled tried again."""
    with opened_jobs(data_dir, database) as store:
        return _each(jobs, lambda job: store.retry(None, job), json_=json_)


@app.command("wait")
@exits
def wait(
    job: JobArg,
    timeout: TimeoutOption = None,
    data_dir: FolderOption = None,
    database: DatabaseOption = None,
    json_: options.JsonOption = False,
) -> int:
    """Wait until a job has ended. Exit codes: 0 found, 1 not found or uncertain, 2 it failed, was
    cancelled, or the time is up."""
    limit_s = float("inf") if timeout is None else timeout
    with opened_jobs(data_dir, database) as store:
        ended = store.wait(None, job, limit_s)
    if not ended.is_final:
        raise JobError(
            f"{job} is {ended.state} after {limit_s:g} s",
            code="job_unfinished",
            next_step="Wait again, or look at its progress: `vidqa jobs show`.",
        )
    show(json.dumps(_told(ended), indent=2) if json_ else _described(ended))
    if ended.state != "completed":
        return FAILED
    return FOUND if ended.outcome in (None, "found") else NOT_FOUND


_HEAD = ("job", "kind", "state", "outcome", "progress", "tries", "created", "tenant")


def _row(job: Job) -> tuple[str, ...]:
    outcome = job.outcome if job.error is None else str(job.error["code"])
    return (
        job.id,
        job.kind,
        job.state,
        outcome or "-",
        _progress(job),
        str(job.attempts),
        moment(job.created_at),
        job.tenant,
    )


def _progress(job: Job) -> str:
    progress = job.progress
    if job.state != "in_progress" or not progress.total:
        return "-" if job.state != "in_progress" else progress.stage
    left = "" if progress.eta_s is None else f", {progress.eta_s:.0f} s left"
    return f"{progress.stage} {progress.done}/{progress.total}{left}"


def _described(job: Job) -> str:
    rows = [
        ("job", job.id),
        ("kind", job.kind),
        ("state", f"{job.state}{' (to be cancelled)' if _is_ending(job) else ''}"),
        ("outcome", job.outcome or "-"),
        ("progress", _progress(job)),
        ("tries", str(job.attempts)),
        ("tenant", job.tenant),
        ("created", moment(job.created_at)),
        ("started", moment(job.started_at)),
        ("ended", moment(job.finished_at)),
        ("request", json.dumps(job.request, ensure_ascii=False)),
    ]
    if job.error is not None:
        told = f"{job.error['message']}  [{job.error['code']}]"
        rows += [("error", told), ("next step", str(job.error["next_step"]))]
    return "\n".join(columns(rows))


def _is_ending(job: Job) -> bool:
    return job.cancel_requested and not job.is_final


def _told(job: Job) -> dict[str, Any]:
    return {**job.to_dict(), "tenant": job.tenant}


def _each(jobs: list[str], act: Callable[[str], Job], *, json_: bool) -> int:
    done = [act(job) for job in jobs]
    if json_:
        show(json.dumps([_told(job) for job in done], indent=2))
    else:
        show("\n".join(f"{job.id} {job.state}" for job in done))
    return FOUND


def _check_states(states: list[str]) -> None:
    from vidqa.service.records import STATES

    for state in states:
        if state not in STATES:
            raise SettingsError(
                f"no job is {state!r}",
                code="state_unknown",
                next_step=f"Choose of {', '.join(STATES)}.",
            )
