"""Read video by presentation time: probe, exact frames, key frames, contact sheets, cut clips."""

from vidqa.video.codes import FILE_CODES
from vidqa.video.cut import cut_clip
from vidqa.video.digest import file_sha256
from vidqa.video.film import Film, study_film
from vidqa.video.frames import Frames
from vidqa.video.hit_sheet import HitPicture, draw_hit_sheet
from vidqa.video.known import KnownFile, KnownFiles, Stamp, stamp_of
from vidqa.video.limits import Limits
from vidqa.video.media import Media, Pictures, media
from vidqa.video.probe import VideoInfo, describe, frame_times, probe
from vidqa.video.reader import Reader, open_reader, read_frames, read_keyframes
from vidqa.video.sheet import SHEET_FORMATS, draw_sheet, draw_still_sheet, sheet_frame_size
from vidqa.video.sheet_times import choose_sheet_times
from vidqa.video.sniff import sniff
from vidqa.video.stills import Still, StillInfo, is_still, probe_still, read_still
from vidqa.video.stream import Picture, PictureStream, Wish
from vidqa.video.tags import read_tags

__all__ = [
    "FILE_CODES",
    "SHEET_FORMATS",
    "Film",
    "Frames",
    "HitPicture",
    "KnownFile",
    "KnownFiles",
    "Limits",
    "Media",
    "Picture",
    "PictureStream",
    "Pictures",
    "Reader",
    "Stamp",
    "Still",
    "StillInfo",
    "VideoInfo",
    "Wish",
    "choose_sheet_times",
    "cut_clip",
    "describe",
    "draw_hit_sheet",
    "draw_sheet",
    "draw_still_sheet",
    "file_sha256",
    "frame_times",
    "is_still",
    "media",
    "open_reader",
    "probe",
    "probe_still",
    "read_frames",
    "read_keyframes",
    "read_still",
    "read_tags",
    "sheet_frame_size",
    "sniff",
    "stamp_of",
    "study_film",
]
