"""What can be wrong with a file that somebody gave us: twelve codes, and what each means.

Whatever a video holds, however it is read, it ends in frames or in a
:class:`vidqa.errors.VideoError` with one of these. A picture has the same, with ``not_a_picture``
in place of ``not_a_video``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FILE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "file_empty": "It has no bytes.",
        "not_a_video": "Its first bytes are none of the containers that are read.",
        "playlist_refused": "A text that names other files or hosts.",
        "container_damaged": "Looks like a container but cannot be opened, or states no size.",
        "no_video_stream": "It holds sound or data only.",
        "codec_unsupported": "Its codec, or kind of picture, is not on the list of those read.",
        "frame_too_large": "Its pictures are larger than allowed.",
        "streams_too_many": "It holds more streams than allowed.",
        "undecodable": "It opens, but no picture that was asked for can be decoded or shown.",
        "decoder_crashed": "The decoder crashed, or reported what cannot be true.",
        "decoder_timeout": "Decoding took longer than allowed, or stood still.",
        "decoder_limit": "Decoding needed more memory or processor time than allowed.",
    }
)
