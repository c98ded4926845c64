"""What a command makes of hits: text, files, thumbnails, a contact sheet, clips."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidqa.cli.hit_lines import answer_lines, names_of, search_lines, standing_of
from vidqa.cli.outputs import Outputs
from vidqa.cli.progress import Report
from vidqa.cli.streams import show
from vidqa.cli.writing import write_file
from vidqa.errors import ArchiveError, ExportError, VideoError
from vidqa.export.hits import TIMED, Found, export_by_video, export_found, told_hits
from vidqa.search_results import Hit, SearchResult
from vidqa.video import HitPicture, cut_clip, describe, draw_hit_sheet, media
from vidqa.video.sheet_timeline import clock

if TYPE_CHECKING:  # imports the database's library
    from vidqa.pipeline.retrieval.archive import Archive

STEM = Path("hits")
"""What files about all hits are named after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HitOutputs:
    """What was asked for on the command line."""

    outputs: Outputs
    thumbnails: Path | None = None
    """A folder for the hits' pictures."""

    def check(self) -> None:
        """Raise :class:`ExportError` before any work is done for what cannot be made."""
        self.outputs.check(STEM)
        self.outputs.make_folders()
        if self.thumbnails is not None:
            Outputs(
                formats=(), folder=self.thumbnails, sheet=None, clip=False, overwrite=True
            ).make_folders()


def write_found(found: Found, archive: Archive, how: HitOutputs, report: Report) -> None:
    """Print or write everything that was asked for."""
    outputs = how.outputs
    for name in outputs.formats:
        _write_format(found, name, outputs, report)
    if outputs.sheet is not None:
        draw_hit_sheet(
            _pictures(found, archive),
            title=_asked(found),
            answer=_headline(found),
            out=outputs.sheet,
        )
        report.say(f"wrote {outputs.sheet}")
    if outputs.clip:
        _cut_all(found, outputs, report)


def with_thumbnails(found: SearchResult, archive: Archive, folder: Path | None) -> SearchResult:
    """The result with every hit's picture written into ``folder``, and where that is."""
    if folder is None:
        return found
    hits = []
    for hit in found.hits:
        path = folder / f"{hit.rank:03d}-{_stem(hit)}-{hit.clip_id}.jpg"
        try:
            path.write_bytes(archive.thumbnail(hit))
        except OSError as err:
            raise _unwritable(path, err) from err
        hits.append(replace(hit, thumbnail=str(path)))
    return replace(found, hits=tuple(hits))


def _write_format(found: Found, name: str, outputs: Outputs, report: Report) -> None:
    if outputs.folder is not None and name in TIMED:
        for number, (video, text) in enumerate(export_by_video(found, name), start=1):
            path = outputs.folder / f"hits-{number}-{Path(video.name).stem}.{name}"
            _fresh(path, outputs)
            write_file(path, text)
            report.say(f"wrote {path}")
        return
    text = _text(found, name, outputs.reader)
    if outputs.folder is None:
        show(text.rstrip("\n"))
        return
    path = outputs.path_of(STEM, name)
    write_file(path, text)
    report.say(f"wrote {path}")


def _text(found: Found, name: str, reader: str) -> str:
    if name == "txt":
        lines = search_lines(found) if isinstance(found, SearchResult) else answer_lines(found)
        return lines + "\n"
    if name == "edl" and (rate := _frame_rate(found, reader)):
        return export_found(found, name, frame_rate=rate)
    return export_found(found, name)


def _frame_rate(found: Found, reader: str) -> float | None:
    """Of the first video that is there: an edit list counts in one rate."""
    for hit, _ in told_hits(found):
        with suppress(VideoError):
            return describe(media(reader).study(Path(hit.video.path))).fps
    return None


def _pictures(found: Found, archive: Archive) -> list[HitPicture]:
    hits = [hit for hit, _ in told_hits(found)]
    if isinstance(found, SearchResult):
        hits = list(found.hits)
    names = names_of(hits)
    pictures = []
    for hit in hits:
        span = hit.spans[0]
        told = f"{clock(span.start_s, 1)} - {clock(span.end_s, 1)}"
        surety = standing_of(hit) or f"score {hit.score:.2f}"
        confirmed = hit.verdict is not None and hit.verdict.decision == "confirmed"
        try:
            jpeg = archive.thumbnail(hit)
        except ArchiveError as err:
            if err.code != "clip_unknown":
                raise
            continue  # deleted since it was found
        pictures.append(
            HitPicture(
                jpeg=jpeg,
                name=names[hit.video.id],
                told=f"{told}  {surety}",
                framed=confirmed,
            )
        )
    return pictures


def _cut_all(found: Found, outputs: Outputs, report: Report) -> None:
    """Every moment of every hit; one whose file is gone is told, and ends nothing."""
    told = told_hits(found)
    for done, (hit, _) in enumerate(told):
        report.step("clip", done, len(told))
        for number, span in enumerate(hit.spans, start=1):
            part = f"-{number}" if len(hit.spans) > 1 else ""
            out = (outputs.folder or Path()) / f"hit-{hit.rank:03d}-{_stem(hit)}{part}.mp4"
            if not hit.video.there:
                report.say(f"no clip of hit {hit.rank}: {hit.video.path} is gone")
                break
            try:
                cut_clip(
                    Path(hit.video.path),
                    span,
                    out,
                    overwrite=outputs.overwrite,
                    reader=outputs.reader,
                )
            except VideoError as err:
                report.say(f"no clip of hit {hit.rank}: {err}")
                break
            report.say(f"wrote {out}")
        report.step("clip", done + 1, len(told))


def _asked(found: Found) -> str:
    return found.query if isinstance(found, SearchResult) else found.question


def _headline(found: Found) -> str:
    text = search_lines(found) if isinstance(found, SearchResult) else found.answer
    return text.splitlines()[0] if text else ""


def _stem(hit: Hit) -> str:
    return Path(hit.video.name).stem


def _fresh(path: Path, outputs: Outputs) -> None:
    if path.exists() and not outputs.overwrite:
        raise ExportError(
            f"{path} is already there",
            code="output_exists",
            next_step="Give -y to replace it, or another folder.",
        )


def _unwritable(path: Path, err: OSError) -> ExportError:
    return ExportError(
        f"{path} cannot be written: {err.strerror}",
        code="output_unwritable",
        next_step="Choose a folder that you may write to.",
    )
